// What the shim's own files share: looking up handles, giving birth to them, failing.

#ifndef MXS_ARENA_H
#define MXS_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "mlx/c/mlx.h"
#include "mxs.h"

extern mlx_stream mxs_stream; // the one stream that everything runs on
extern bool mxs_compiles;     // whether the back end compiles kernels (never on the CPU)
extern int32_t mxs_lists[MXS_SCRATCH];

// The array behind a live handle; false (with the error recorded) for any other number.
bool mxs_find(mxs_tensor handle, mlx_array *out, const char *op, const char *argument);
// The same, where 0 is allowed and gives MLX's null array.
bool mxs_find_optional(mxs_optional handle, mlx_array *out, const char *op, const char *argument);
// The `count` handles at the start of scratch as a vector that the caller frees.
bool mxs_find_list(int32_t count, mlx_vector_array *out, const char *op);

// Makes the result of an MLX call a handle in the innermost scope; 0 when the call failed or no scope is open.
mxs_tensor mxs_born(int failed, mlx_array result, const char *op);
// The same for several: writes the handles to scratch, returns their number, frees the vector.
int32_t mxs_born_list(int failed, mlx_vector_array results, const char *op);
mxs_tensor mxs_born_kept(mlx_array result, const char *op);

// Records why `op` failed; both return what a failing function returns.
mxs_tensor mxs_fail(const char *op, const char *format, ...) __attribute__((format(printf, 2, 3)));
int32_t mxs_fail_code(const char *op); // the message is MLX's
void mxs_forget_error(void);           // after an MLX call whose failure does not matter

// What MLX knows of the device in use under the first of these names that it has; 0 where it has none.
size_t mxs_device_fact(const char *const *keys, size_t count);

bool mxs_list_fits(int32_t length, const char *op);

// Inside a function that returns a handle: declare the array `name_` behind the argument `name`.
#define TENSOR(name)                                                                                                                                 \
  mlx_array name##_;                                                                                                                                 \
  if (!mxs_find(name, &name##_, __func__, #name)) return 0
#define OPTIONAL(name)                                                                                                                               \
  mlx_array name##_;                                                                                                                                 \
  if (!mxs_find_optional(name, &name##_, __func__, #name)) return 0
// Inside a function that returns a code.
#define TENSOR_OR_CODE(name)                                                                                                                         \
  mlx_array name##_;                                                                                                                                 \
  if (!mxs_find(name, &name##_, __func__, #name)) return -1
#define OPTIONAL_OR_CODE(name)                                                                                                                       \
  mlx_array name##_;                                                                                                                                 \
  if (!mxs_find_optional(name, &name##_, __func__, #name)) return -1
#define LIST(length)                                                                                                                                 \
  if (!mxs_list_fits(length, __func__)) return 0
// Returns the handle of `result`, the array that the MLX call given here fills.
#define RETURN(call)                                                                                                                                 \
  mlx_array result = {NULL};                                                                                                                         \
  int failed = call;                                                                                                                                 \
  return mxs_born(failed, result, __func__)

#endif

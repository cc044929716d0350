// The device, its memory, data in and out, and evaluation.

#define _POSIX_C_SOURCE 200809L // setenv
#ifdef __linux__
#include <malloc.h>
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "scalar.h"

mlx_stream mxs_stream;
bool mxs_compiles = false;

static bool has_gpu(void) {
  int count = 0;
  bool found = mlx_device_count(&count, MLX_GPU) == 0 && count > 0;
  mxs_forget_error();
  return found;
}

// MLX's CUDA back end can collect kernels in graphs, which it keeps by their form. Rows come and go here, so forms never end, and a new one costs
// more than it saves. Kernels of ours that write in place also count on it that kernels run in the order in which they were started.
//
// MLX's CPU back end takes its buffers from malloc, which glibc keeps on its heap in ever larger sizes, full of holes: larger ones are mapped.
static void tune_linux(void) {
#ifdef __linux__
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 256 * 1024);
#endif
  setenv("MLX_USE_CUDA_GRAPHS", "0", 1);
#endif
}

int32_t mxs_open(int32_t device) {
  tune_linux();
  bool gpu = device != 0 && has_gpu();
  if (device == 1 && !gpu) return mxs_fail(__func__, "this build of MLX has no usable GPU"), -1;
  mlx_device chosen = mlx_device_new_type(gpu ? MLX_GPU : MLX_CPU, 0);
  int failed = mlx_set_default_device(chosen) || mlx_get_default_stream(&mxs_stream, chosen);
  mlx_device_free(chosen);
  if (failed) return mxs_fail_code(__func__);
  mxs_compiles = gpu;
  return gpu;
}

const char *mxs_version(void) {
  static char version[32];
  mlx_string text = mlx_string_new();
  if (mlx_version(&text) == 0) snprintf(version, sizeof version, "%s", mlx_string_data(text));
  mlx_string_free(text);
  return version;
}

size_t mxs_device_fact(const char *const *keys, size_t count) {
  size_t fact = 0;
  mlx_device device = mlx_device_new();
  mlx_device_info info = mlx_device_info_new();
  if (mlx_get_default_device(&device) == 0 && mlx_device_info_get(&info, device) == 0) {
    for (size_t i = 0; i < count && fact == 0; i++) {
      bool known = false;
      if (mlx_device_info_has_key(&known, info, keys[i]) == 0 && known) mlx_device_info_get_size(&fact, info, keys[i]);
    }
  }
  mlx_device_info_free(info);
  mlx_device_free(device);
  mxs_forget_error();
  return fact;
}

double mxs_device_memory(void) {
  static const char *const keys[] = {"max_recommended_working_set_size", "total_memory", "memory_size"};
  return (double)mxs_device_fact(keys, sizeof keys / sizeof *keys);
}

#define DEFINE_COUNTER(name)                                                                                                                         \
  double mxs_##name(void) {                                                                                                                          \
    size_t bytes = 0;                                                                                                                                \
    return mlx_get_##name(&bytes) ? (double)mxs_fail_code(__func__) : (double)bytes;                                                                 \
  }
DEFINE_COUNTER(active_memory)
DEFINE_COUNTER(peak_memory)
DEFINE_COUNTER(cache_memory)

#define DEFINE_LIMIT(name)                                                                                                                           \
  double mxs_##name(double bytes) {                                                                                                                  \
    size_t before = 0;                                                                                                                               \
    return mlx_##name(&before, (size_t)bytes) ? (double)mxs_fail_code(__func__) : (double)before;                                                    \
  }
DEFINE_LIMIT(set_cache_limit)
DEFINE_LIMIT(set_memory_limit)
DEFINE_LIMIT(set_wired_limit)

int32_t mxs_reset_peak_memory(void) { return mlx_reset_peak_memory() ? mxs_fail_code(__func__) : 0; }
int32_t mxs_clear_cache(void) { return mlx_clear_cache() ? mxs_fail_code(__func__) : 0; }
int32_t mxs_synchronize(void) { return mlx_synchronize(mxs_stream) ? mxs_fail_code(__func__) : 0; }

mxs_tensor mxs_from_data(const void *data, double bytes, int32_t rank, int32_t dtype) {
  LIST(rank);
  double expected = (double)mlx_dtype_size((mlx_dtype)dtype);
  for (int32_t i = 0; i < rank; i++) expected *= mxs_lists[i];
  if (bytes != expected) return mxs_fail(__func__, "the shape needs %.0f bytes and the data has %.0f", expected, bytes);
  if (bytes == 0) {
    RETURN(mlx_zeros(&result, mxs_lists, (size_t)rank, (mlx_dtype)dtype, mxs_stream));
  }
  mlx_array result = mlx_array_new_data(data, mxs_lists, rank, (mlx_dtype)dtype);
  return mxs_born(result.ctx == NULL, result, __func__);
}

// Float to bfloat16, to the nearest, ties to even.
static uint16_t to_bfloat16(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return (uint16_t)(bits >> 16 | 0x40);
  return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1)) >> 16);
}

// Float to float16, to the nearest, ties to even. Adding a number 2^13 times as large (or, for subnormal results, the one whose last
// place is 2^-24) makes the float unit do the rounding.
static uint16_t to_float16(float value) {
  uint32_t bits, rounded;
  memcpy(&bits, &value, sizeof bits);
  uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
  bits &= 0x7fffffffu;
  if (bits > 0x7f800000u) return sign | 0x7e00;
  if (bits >= 0x477ff000u) return sign | 0x7c00;
  if (bits < 0x38800000u) {
    float magnitude;
    memcpy(&magnitude, &bits, sizeof magnitude);
    magnitude += 0.5f;
    memcpy(&rounded, &magnitude, sizeof rounded);
    return (uint16_t)(sign | (rounded - 0x3f000000u));
  }
  rounded = bits - 0x38000000u + 0xfffu + (bits >> 13 & 1);
  return (uint16_t)(sign | rounded >> 13);
}

mlx_array mxs_scalar_array(double value, mlx_dtype dtype) {
  union {
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
    int64_t i64;
    float f32;
    double f64;
    float complex64[2];
  } cell = {.u64 = 0};
  switch (dtype) {
  case MLX_BOOL: cell.u8 = value != 0; break;
  case MLX_FLOAT16: cell.u16 = to_float16((float)value); break;
  case MLX_BFLOAT16: cell.u16 = to_bfloat16((float)value); break;
  case MLX_FLOAT32: cell.f32 = (float)value; break;
  case MLX_FLOAT64: cell.f64 = value; break;
  case MLX_COMPLEX64: cell.complex64[0] = (float)value; break;
  case MLX_UINT64: cell.u64 = (uint64_t)value; break;
  default: cell.i64 = (int64_t)value; // little-endian: the low bytes are the smaller integers
  }
  return mlx_array_new_data(&cell, NULL, 0, dtype);
}

mxs_tensor mxs_scalar(double value, int32_t dtype) {
  mlx_array result = mxs_scalar_array(value, (mlx_dtype)dtype);
  return mxs_born(result.ctx == NULL, result, __func__);
}

int32_t mxs_shape(mxs_tensor a) {
  TENSOR_OR_CODE(a);
  size_t rank = mlx_array_ndim(a_);
  memcpy(mxs_lists, mlx_array_shape(a_), rank * sizeof *mxs_lists);
  return (int32_t)rank;
}

int32_t mxs_dtype(mxs_tensor a) {
  TENSOR_OR_CODE(a);
  return (int32_t)mlx_array_dtype(a_);
}

double mxs_size(mxs_tensor a) {
  TENSOR_OR_CODE(a);
  return (double)mlx_array_size(a_);
}

double mxs_bytes(mxs_tensor a) {
  TENSOR_OR_CODE(a);
  return (double)mlx_array_nbytes(a_);
}

// Copies an evaluated, row-major array out.
static int copy_out(mlx_array a, void *out, double bytes, const char *op) {
  size_t size = mlx_array_nbytes(a);
  if ((double)size != bytes) return mxs_fail(op, "the tensor has %zu bytes and the buffer %.0f", size, bytes), -1;
  const void *data = size ? mlx_array_data_uint8(a) : NULL;
  if (size && !data) return mxs_fail_code(op);
  if (size) memcpy(out, data, size);
  return 0;
}

int32_t mxs_read(mxs_tensor a, void *out, double bytes, int32_t dtype) {
  TENSOR_OR_CODE(a);
  bool row_major = false;
  if (mlx_array_dtype(a_) == (mlx_dtype)dtype) {
    if (mlx_array_eval(a_) || _mlx_array_is_row_contiguous(&row_major, a_)) return mxs_fail_code(__func__);
    if (row_major) return copy_out(a_, out, bytes, __func__);
  }
  mlx_array cast = {NULL}, plain = {NULL};
  int failed = mlx_astype(&cast, a_, (mlx_dtype)dtype, mxs_stream) || mlx_contiguous(&plain, cast, false, mxs_stream) || mlx_array_eval(plain);
  int32_t code = failed ? mxs_fail_code(__func__) : copy_out(plain, out, bytes, __func__);
  mlx_array_free(cast);
  mlx_array_free(plain);
  return code;
}

static int32_t on_list(int32_t count, int call(const mlx_vector_array), const char *op) {
  mlx_vector_array outputs;
  if (!mxs_find_list(count, &outputs, op)) return -1;
  int failed = call(outputs);
  mlx_vector_array_free(outputs);
  return failed ? mxs_fail_code(op) : 0;
}

int32_t mxs_evaluate(int32_t count) { return on_list(count, mlx_eval, __func__); }
int32_t mxs_async_evaluate(int32_t count) { return on_list(count, mlx_async_eval, __func__); }

// The DOT text goes through a file because that is what mlx-c writes to.
static int32_t graph_text(FILE *file, mlx_vector_array outputs, void *out, double bytes, const char *op) {
  mlx_node_namer namer = mlx_node_namer_new();
  int failed = mlx_export_to_dot(file, namer, outputs);
  mlx_node_namer_free(namer);
  if (failed) return mxs_fail_code(op);
  long length = ftell(file);
  if (length < 0 || (double)length > bytes) return mxs_fail(op, "the graph's text has %ld bytes and the buffer %.0f", length, bytes), -1;
  rewind(file);
  return (int32_t)fread(out, 1, (size_t)length, file);
}

int32_t mxs_graph(int32_t count, void *out, double bytes) {
  mlx_vector_array outputs;
  if (!mxs_find_list(count, &outputs, __func__)) return -1;
  FILE *file = tmpfile();
  int32_t length = -1;
  if (file == NULL) mxs_fail(__func__, "no temporary file can be made");
  else {
    length = graph_text(file, outputs, out, bytes, __func__);
    fclose(file);
  }
  mlx_vector_array_free(outputs);
  return length;
}

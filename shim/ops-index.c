// Slices, gathers and scatters.

#include "arena.h"

#define MAX_RANK 16

mxs_tensor mxs_slice(mxs_tensor a, int32_t rank) {
  TENSOR(a);
  LIST(3 * rank);
  size_t n = (size_t)rank;
  RETURN(mlx_slice(&result, a_, mxs_lists, n, mxs_lists + n, n, mxs_lists + 2 * n, n, mxs_stream));
}

mxs_tensor mxs_slice_axis(mxs_tensor a, int32_t axis, int32_t start, int32_t stop) {
  TENSOR(a);
  size_t rank = mlx_array_ndim(a_);
  int32_t at = axis < 0 ? axis + (int32_t)rank : axis;
  if (rank > MAX_RANK || at < 0 || at >= (int32_t)rank) return mxs_fail(__func__, "axis %d of a tensor with %zu axes", axis, rank);
  const int *shape = mlx_array_shape(a_);
  int starts[MAX_RANK] = {0}, stops[MAX_RANK], strides[MAX_RANK];
  for (size_t i = 0; i < rank; i++) {
    stops[i] = shape[i];
    strides[i] = 1;
  }
  starts[at] = start;
  stops[at] = stop;
  RETURN(mlx_slice(&result, a_, starts, rank, stops, rank, strides, rank, mxs_stream));
}

mxs_tensor mxs_slice_update(mxs_tensor a, mxs_tensor update, int32_t rank) {
  TENSOR(a);
  TENSOR(update);
  LIST(3 * rank);
  size_t n = (size_t)rank;
  RETURN(mlx_slice_update(&result, a_, update_, mxs_lists, n, mxs_lists + n, n, mxs_lists + 2 * n, n, mxs_stream));
}

mxs_tensor mxs_slice_dynamic(mxs_tensor a, mxs_tensor start, int32_t axes, int32_t rank) {
  TENSOR(a);
  TENSOR(start);
  LIST(axes + rank);
  RETURN(mlx_slice_dynamic(&result, a_, start_, mxs_lists, (size_t)axes, mxs_lists + axes, (size_t)rank, mxs_stream));
}

mxs_tensor mxs_slice_update_dynamic(mxs_tensor a, mxs_tensor update, mxs_tensor start, int32_t axes) {
  TENSOR(a);
  TENSOR(update);
  TENSOR(start);
  LIST(axes);
  RETURN(mlx_slice_update_dynamic(&result, a_, update_, start_, mxs_lists, (size_t)axes, mxs_stream));
}

mxs_tensor mxs_take(mxs_tensor a, mxs_tensor indices) {
  TENSOR(a);
  TENSOR(indices);
  RETURN(mlx_take(&result, a_, indices_, mxs_stream));
}

mxs_tensor mxs_take_axis(mxs_tensor a, mxs_tensor indices, int32_t axis) {
  TENSOR(a);
  TENSOR(indices);
  RETURN(mlx_take_axis(&result, a_, indices_, axis, mxs_stream));
}

mxs_tensor mxs_take_along_axis(mxs_tensor a, mxs_tensor indices, int32_t axis) {
  TENSOR(a);
  TENSOR(indices);
  RETURN(mlx_take_along_axis(&result, a_, indices_, axis, mxs_stream));
}

mxs_tensor mxs_put_along_axis(mxs_tensor a, mxs_tensor indices, mxs_tensor values, int32_t axis) {
  TENSOR(a);
  TENSOR(indices);
  TENSOR(values);
  RETURN(mlx_put_along_axis(&result, a_, indices_, values_, axis, mxs_stream));
}

typedef int scatter_call(mlx_array *, const mlx_array, const mlx_vector_array, const mlx_array, const int *, size_t, const mlx_stream);

static mxs_tensor scatter(scatter_call *call, mlx_array a, mlx_array updates, int32_t count, const char *op) {
  mlx_vector_array indices;
  if (!mxs_list_fits(2 * count, op) || !mxs_find_list(count, &indices, op)) return 0;
  mlx_array result = {NULL};
  int failed = call(&result, a, indices, updates, mxs_lists + count, (size_t)count, mxs_stream);
  mlx_vector_array_free(indices);
  return mxs_born(failed, result, op);
}

mxs_tensor mxs_scatter(mxs_tensor a, mxs_tensor updates, int32_t count) {
  TENSOR(a);
  TENSOR(updates);
  return scatter(mlx_scatter, a_, updates_, count, __func__);
}

mxs_tensor mxs_scatter_add(mxs_tensor a, mxs_tensor updates, int32_t count) {
  TENSOR(a);
  TENSOR(updates);
  return scatter(mlx_scatter_add, a_, updates_, count, __func__);
}

// Shapes, joining and splitting, and tensors out of nothing.

#include "arena.h"
#include "scalar.h"

mxs_tensor mxs_reshape(mxs_tensor a, int32_t rank) {
  TENSOR(a);
  LIST(rank);
  RETURN(mlx_reshape(&result, a_, mxs_lists, (size_t)rank, mxs_stream));
}

mxs_tensor mxs_broadcast_to(mxs_tensor a, int32_t rank) {
  TENSOR(a);
  LIST(rank);
  RETURN(mlx_broadcast_to(&result, a_, mxs_lists, (size_t)rank, mxs_stream));
}

mxs_tensor mxs_transpose(mxs_tensor a, int32_t axes) {
  TENSOR(a);
  LIST(axes);
  RETURN(axes < 0 ? mlx_transpose(&result, a_, mxs_stream) : mlx_transpose_axes(&result, a_, mxs_lists, (size_t)axes, mxs_stream));
}

mxs_tensor mxs_swapaxes(mxs_tensor a, int32_t i, int32_t j) {
  TENSOR(a);
  RETURN(mlx_swapaxes(&result, a_, i, j, mxs_stream));
}

mxs_tensor mxs_expand_dims(mxs_tensor a, int32_t axes) {
  TENSOR(a);
  LIST(axes);
  RETURN(mlx_expand_dims_axes(&result, a_, mxs_lists, (size_t)axes, mxs_stream));
}

mxs_tensor mxs_squeeze(mxs_tensor a, int32_t axes) {
  TENSOR(a);
  LIST(axes);
  RETURN(mlx_squeeze_axes(&result, a_, mxs_lists, (size_t)axes, mxs_stream));
}

mxs_tensor mxs_flatten(mxs_tensor a, int32_t start, int32_t end) {
  TENSOR(a);
  RETURN(mlx_flatten(&result, a_, start, end, mxs_stream));
}

mxs_tensor mxs_concatenate(int32_t count, int32_t axis) {
  mlx_vector_array parts;
  if (!mxs_find_list(count, &parts, __func__)) return 0;
  mlx_array result = {NULL};
  int failed = mlx_concatenate_axis(&result, parts, axis, mxs_stream);
  mlx_vector_array_free(parts);
  return mxs_born(failed, result, __func__);
}

mxs_tensor mxs_stack(int32_t count, int32_t axis) {
  mlx_vector_array parts;
  if (!mxs_find_list(count, &parts, __func__)) return 0;
  mlx_array result = {NULL};
  int failed = mlx_stack_axis(&result, parts, axis, mxs_stream);
  mlx_vector_array_free(parts);
  return mxs_born(failed, result, __func__);
}

int32_t mxs_split(mxs_tensor a, int32_t parts, int32_t axis) {
  TENSOR_OR_CODE(a);
  mlx_vector_array results = {NULL};
  int failed = mlx_split(&results, a_, parts, axis, mxs_stream);
  return mxs_born_list(failed, results, __func__);
}

int32_t mxs_split_at(mxs_tensor a, int32_t count, int32_t axis) {
  TENSOR_OR_CODE(a);
  if (!mxs_list_fits(count, __func__)) return -1;
  mlx_vector_array results = {NULL};
  int failed = mlx_split_sections(&results, a_, mxs_lists, (size_t)count, axis, mxs_stream);
  return mxs_born_list(failed, results, __func__);
}

mxs_tensor mxs_repeat(mxs_tensor a, int32_t times, int32_t axis) {
  TENSOR(a);
  RETURN(mlx_repeat_axis(&result, a_, times, axis, mxs_stream));
}

mxs_tensor mxs_tile(mxs_tensor a, int32_t count) {
  TENSOR(a);
  LIST(count);
  RETURN(mlx_tile(&result, a_, mxs_lists, (size_t)count, mxs_stream));
}

mxs_tensor mxs_pad(mxs_tensor a, int32_t axis, int32_t low, int32_t high, double value) {
  TENSOR(a);
  mlx_array fill = mxs_scalar_array(value, mlx_array_dtype(a_));
  mlx_array result = {NULL};
  int failed = mlx_pad(&result, a_, &axis, 1, &low, 1, &high, 1, fill, "constant", mxs_stream);
  mlx_array_free(fill);
  return mxs_born(failed, result, __func__);
}

mxs_tensor mxs_roll(mxs_tensor a, int32_t shift, int32_t axis) {
  TENSOR(a);
  RETURN(mlx_roll_axis(&result, a_, &shift, 1, axis, mxs_stream));
}

mxs_tensor mxs_astype(mxs_tensor a, int32_t dtype) {
  TENSOR(a);
  RETURN(mlx_astype(&result, a_, (mlx_dtype)dtype, mxs_stream));
}

mxs_tensor mxs_from_fp8(mxs_tensor a, int32_t dtype) {
  TENSOR(a);
  RETURN(mlx_from_fp8(&result, a_, (mlx_dtype)dtype, mxs_stream));
}

mxs_tensor mxs_view(mxs_tensor a, int32_t dtype) {
  TENSOR(a);
  RETURN(mlx_view(&result, a_, (mlx_dtype)dtype, mxs_stream));
}

mxs_tensor mxs_contiguous(mxs_tensor a) {
  TENSOR(a);
  RETURN(mlx_contiguous(&result, a_, false, mxs_stream));
}

mxs_tensor mxs_full(double value, int32_t rank, int32_t dtype) {
  LIST(rank);
  mlx_array fill = mxs_scalar_array(value, (mlx_dtype)dtype);
  mlx_array result = {NULL};
  int failed = mlx_full(&result, mxs_lists, (size_t)rank, fill, (mlx_dtype)dtype, mxs_stream);
  mlx_array_free(fill);
  return mxs_born(failed, result, __func__);
}

mxs_tensor mxs_zeros_like(mxs_tensor a) {
  TENSOR(a);
  RETURN(mlx_zeros_like(&result, a_, mxs_stream));
}

mxs_tensor mxs_arange(double start, double stop, double step, int32_t dtype) {
  RETURN(mlx_arange(&result, start, stop, step, (mlx_dtype)dtype, mxs_stream));
}

mxs_tensor mxs_tri(int32_t rows, int32_t columns, int32_t k, int32_t dtype) {
  RETURN(mlx_tri(&result, rows, columns, k, (mlx_dtype)dtype, mxs_stream));
}

mxs_tensor mxs_tril(mxs_tensor a, int32_t k) {
  TENSOR(a);
  RETURN(mlx_tril(&result, a_, k, mxs_stream));
}

mxs_tensor mxs_triu(mxs_tensor a, int32_t k) {
  TENSOR(a);
  RETURN(mlx_triu(&result, a_, k, mxs_stream));
}

mxs_tensor mxs_random_normal(int32_t rank, int32_t dtype, double seed) {
  LIST(rank);
  mlx_array key = {NULL}, result = {NULL};
  int failed = mlx_random_key(&key, (uint64_t)seed);
  failed = failed || mlx_random_normal(&result, mxs_lists, (size_t)rank, (mlx_dtype)dtype, 0, 1, key, mxs_stream);
  mlx_array_free(key);
  return mxs_born(failed, result, __func__);
}

mxs_tensor mxs_random_uniform(int32_t rank, int32_t dtype, double seed) {
  LIST(rank);
  mlx_array key = {NULL}, result = {NULL};
  mlx_array low = mxs_scalar_array(0, (mlx_dtype)dtype), high = mxs_scalar_array(1, (mlx_dtype)dtype);
  int failed = mlx_random_key(&key, (uint64_t)seed);
  failed = failed || mlx_random_uniform(&result, low, high, mxs_lists, (size_t)rank, (mlx_dtype)dtype, key, mxs_stream);
  mlx_array_free(key);
  mlx_array_free(low);
  mlx_array_free(high);
  return mxs_born(failed, result, __func__);
}

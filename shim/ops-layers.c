// Matrix products (dense, quantized, gathered), convolutions, norms, rotary positions and attention.

#include "arena.h"
#include "cpu.h"

static const char *const modes[] = {"affine", "mxfp4", "mxfp8", "nvfp4"};

#define MODE(mode)                                                                                                                                   \
  if (mode < 0 || mode > 3) return mxs_fail(__func__, "no quantization mode has the code %d", mode)

static mlx_optional_int some(int32_t value) { return (mlx_optional_int){.value = value, .has_value = value > 0}; }

mxs_tensor mxs_matmul(mxs_tensor a, mxs_tensor b) {
  TENSOR(a);
  TENSOR(b);
  RETURN(mlx_matmul(&result, a_, b_, mxs_stream));
}

mxs_tensor mxs_addmm(mxs_tensor c, mxs_tensor a, mxs_tensor b, double scale) {
  TENSOR(c);
  TENSOR(a);
  TENSOR(b);
  RETURN(mlx_addmm(&result, c_, a_, b_, (float)scale, 1, mxs_stream));
}

mxs_tensor mxs_gather_mm(mxs_tensor a, mxs_tensor b, mxs_optional lhs, mxs_optional rhs, int32_t sorted) {
  TENSOR(a);
  TENSOR(b);
  OPTIONAL(lhs);
  OPTIONAL(rhs);
  RETURN(mlx_gather_mm(&result, a_, b_, lhs_, rhs_, sorted, mxs_stream));
}

mxs_tensor mxs_quantized_matmul(mxs_tensor x, mxs_tensor w, mxs_tensor scales, mxs_optional biases, int32_t group_size, int32_t bits, int32_t mode,
                                int32_t transpose) {
  TENSOR(x);
  TENSOR(w);
  TENSOR(scales);
  OPTIONAL(biases);
  MODE(mode);
  RETURN(mlx_quantized_matmul(&result, x_, w_, scales_, biases_, transpose, some(group_size), some(bits), modes[mode], mxs_stream));
}

mxs_tensor mxs_gather_qmm(mxs_tensor x, mxs_tensor w, mxs_tensor scales, mxs_optional biases, mxs_optional lhs, mxs_optional rhs, int32_t group_size,
                          int32_t bits, int32_t mode, int32_t transpose, int32_t sorted) {
  TENSOR(x);
  TENSOR(w);
  TENSOR(scales);
  OPTIONAL(biases);
  OPTIONAL(lhs);
  OPTIONAL(rhs);
  MODE(mode);
  RETURN(mlx_gather_qmm(&result, x_, w_, scales_, biases_, lhs_, rhs_, transpose, some(group_size), some(bits), modes[mode], sorted, mxs_stream));
}

int32_t mxs_quantize(mxs_tensor w, int32_t group_size, int32_t bits, int32_t mode) {
  TENSOR_OR_CODE(w);
  if (mode < 0 || mode > 3) return mxs_fail(__func__, "no quantization mode has the code %d", mode), -1;
  mlx_vector_array results = {NULL};
  int failed = mlx_quantize(&results, w_, some(group_size), some(bits), modes[mode], mlx_array_new(), mxs_stream);
  return mxs_born_list(failed, results, __func__);
}

mxs_tensor mxs_dequantize(mxs_tensor w, mxs_tensor scales, mxs_optional biases, int32_t group_size, int32_t bits, int32_t mode, int32_t dtype) {
  TENSOR(w);
  TENSOR(scales);
  OPTIONAL(biases);
  MODE(mode);
  mlx_optional_dtype type = {.value = (mlx_dtype)dtype, .has_value = dtype >= 0};
  RETURN(mlx_dequantize(&result, w_, scales_, biases_, some(group_size), some(bits), modes[mode], mlx_array_new(), type, mxs_stream));
}

mxs_tensor mxs_conv1d(mxs_tensor x, mxs_tensor w, int32_t stride, int32_t padding, int32_t dilation, int32_t groups) {
  TENSOR(x);
  TENSOR(w);
  RETURN(mlx_conv1d(&result, x_, w_, stride, padding, dilation, groups, mxs_stream));
}

mxs_tensor mxs_conv2d(mxs_tensor x, mxs_tensor w, int32_t groups) {
  TENSOR(x);
  TENSOR(w);
  const int32_t *stride = mxs_lists, *padding = mxs_lists + 2, *dilation = mxs_lists + 4;
  RETURN(mlx_conv2d(&result, x_, w_, stride[0], stride[1], padding[0], padding[1], dilation[0], dilation[1], groups, mxs_stream));
}

mxs_tensor mxs_conv_transpose1d(mxs_tensor x, mxs_tensor w, int32_t stride, int32_t padding, int32_t dilation, int32_t output_padding,
                                int32_t groups) {
  TENSOR(x);
  TENSOR(w);
  RETURN(mlx_conv_transpose1d(&result, x_, w_, stride, padding, dilation, output_padding, groups, mxs_stream));
}

mxs_tensor mxs_rms_norm(mxs_tensor x, mxs_optional weight, double eps) {
  TENSOR(x);
  OPTIONAL(weight);
  if (mxs_cpu_takes(x_, mxs_stream)) {
    RETURN(mxs_cpu_rms_norm(&result, x_, weight_, (float)eps, mxs_stream));
  }
  RETURN(mlx_fast_rms_norm(&result, x_, weight_, (float)eps, mxs_stream));
}

mxs_tensor mxs_layer_norm(mxs_tensor x, mxs_optional weight, mxs_optional bias, double eps) {
  TENSOR(x);
  OPTIONAL(weight);
  OPTIONAL(bias);
  RETURN(mlx_fast_layer_norm(&result, x_, weight_, bias_, (float)eps, mxs_stream));
}

mxs_tensor mxs_turn(mxs_tensor x, mxs_tensor cos, mxs_tensor sin, mxs_tensor other) {
  TENSOR(x);
  TENSOR(cos);
  TENSOR(sin);
  TENSOR(other);
  if (mxs_cpu_takes(x_, mxs_stream)) {
    RETURN(mxs_cpu_turn(&result, x_, cos_, sin_, other_, mxs_stream));
  }
  mlx_array swapped = {NULL}, straight = {NULL}, crossed = {NULL}, result = {NULL};
  int failed = mlx_take_axis(&swapped, x_, other_, -1, mxs_stream) || mlx_multiply(&straight, x_, cos_, mxs_stream) ||
               mlx_multiply(&crossed, swapped, sin_, mxs_stream) || mlx_add(&result, straight, crossed, mxs_stream);
  mlx_array_free(swapped);
  mlx_array_free(straight);
  mlx_array_free(crossed);
  return mxs_born(failed, result, __func__);
}

mxs_tensor mxs_rope(mxs_tensor x, int32_t dims, int32_t traditional, double base, double scale, mxs_optional freqs, int32_t offset) {
  TENSOR(x);
  OPTIONAL(freqs);
  mlx_optional_float some_base = {.value = (float)base, .has_value = base != 0};
  RETURN(mlx_fast_rope(&result, x_, dims, traditional, some_base, (float)scale, offset, freqs_, mxs_stream));
}

mxs_tensor mxs_rope_rows(mxs_tensor x, int32_t dims, int32_t traditional, double base, double scale, mxs_optional freqs, mxs_tensor offset) {
  TENSOR(x);
  OPTIONAL(freqs);
  TENSOR(offset);
  mlx_optional_float some_base = {.value = (float)base, .has_value = base != 0};
  RETURN(mlx_fast_rope_dynamic(&result, x_, dims, traditional, some_base, (float)scale, offset_, freqs_, mxs_stream));
}

mxs_tensor mxs_attention(mxs_tensor q, mxs_tensor k, mxs_tensor v, double scale, int32_t causal, mxs_optional mask, mxs_optional sinks) {
  TENSOR(q);
  TENSOR(k);
  TENSOR(v);
  OPTIONAL(mask);
  OPTIONAL(sinks);
  const char *mode = mask ? "array" : causal ? "causal" : "";
  RETURN(mlx_fast_scaled_dot_product_attention(&result, q_, k_, v_, (float)scale, mode, mask_, sinks_, false, mxs_stream));
}

// The whole ABI between TypeScript (src/mx/ffi.ts) and MLX. A tensor is a 32-bit handle.
//
// Ownership:
// 1. Every handle is born in the innermost open scope.
// 2. mxs_scope_pop(mark) frees every handle born since the mark, except those passed to mxs_keep
//    and the scope's results, which move to the enclosing scope.
// 3. A kept handle lives until mxs_release; weights and cache buffers are the only kept handles.
// 4. Freeing a handle drops our reference only; MLX keeps the data while its graph needs it.
// 5. Using a freed handle is an error with a message, not a crash, because the generation no longer matches.
//
// Results: mxs_tensor is a new handle, or 0 on failure. int32_t and double are a value or 0, or negative on
// failure. After a failure mxs_last_error() says why. Lists (shapes, axes, handles) travel in the scratch
// buffer, one after the other from its start, their lengths as arguments; the buffer's contents are
// undefined after every call. Everything runs on one thread.

#ifndef MXS_H
#define MXS_H

#include <stdint.h>

typedef uint32_t mxs_tensor;   // 20 bits slot, 12 bits generation; never 0
typedef uint32_t mxs_optional; // a tensor, or 0 for none

#define MXS_API __attribute__((visibility("default")))
#define MXS_SCRATCH 65536 // entries of 32 bits

// Library and device ---------------------------------------------------------------------------------------

MXS_API int32_t mxs_open(int32_t device);     // 0 cpu, 1 gpu, 2 gpu where there is one; returns the device in use
MXS_API const char *mxs_last_error(void);     // why the last failing call failed; valid until the next call
MXS_API const char *mxs_version(void);        // MLX's version
MXS_API void *mxs_scratch(void);              // the scratch buffer, MXS_SCRATCH int32; the shim's for ever
MXS_API double mxs_device_memory(void);       // bytes the device may use; 0 where MLX does not know
MXS_API double mxs_active_memory(void);       // bytes in use by arrays
MXS_API double mxs_peak_memory(void);         // the highest value of the above since mxs_reset_peak_memory
MXS_API int32_t mxs_reset_peak_memory(void);
MXS_API double mxs_cache_memory(void);        // bytes the allocator holds for reuse
MXS_API int32_t mxs_clear_cache(void);
MXS_API double mxs_set_cache_limit(double bytes);  // these three return the limit that held before
MXS_API double mxs_set_memory_limit(double bytes);
MXS_API double mxs_set_wired_limit(double bytes);

// Ownership ------------------------------------------------------------------------------------------------

MXS_API int32_t mxs_scope_push(void);                               // opens a scope and returns its mark
MXS_API int32_t mxs_scope_pop(int32_t mark, int32_t results);       // closes it; scratch: `results` handles (others are ignored)
MXS_API int32_t mxs_keep(mxs_tensor a);                             // the handle now lives until mxs_release
MXS_API int32_t mxs_release(mxs_tensor a);                          // frees the handle now, kept or not
MXS_API int32_t mxs_live(void);                                     // handles alive

// Data and evaluation --------------------------------------------------------------------------------------
// dtype codes: 0 bool, 1 uint8, 2 uint16, 3 uint32, 4 uint64, 5 int8, 6 int16, 7 int32, 8 int64, 9 float16, 10 float32,
// 11 float64, 12 bfloat16, 13 complex64.

MXS_API mxs_tensor mxs_from_data(const void *data, double bytes, int32_t rank, int32_t dtype); // scratch: shape; copies
MXS_API mxs_tensor mxs_scalar(double value, int32_t dtype);
MXS_API int32_t mxs_shape(mxs_tensor a);  // writes the shape to scratch and returns the rank
MXS_API int32_t mxs_dtype(mxs_tensor a);
MXS_API double mxs_size(mxs_tensor a);    // elements
MXS_API double mxs_bytes(mxs_tensor a);
MXS_API int32_t mxs_read(mxs_tensor a, void *out, double bytes, int32_t dtype); // evaluates, casts, copies out row-major
MXS_API int32_t mxs_evaluate(int32_t count);       // scratch: handles; returns when they are computed
MXS_API int32_t mxs_async_evaluate(int32_t count); // scratch: handles; returns when they are dispatched
MXS_API int32_t mxs_synchronize(void);
MXS_API int32_t mxs_graph(int32_t count, void *out, double bytes); // scratch: handles; their unevaluated graph in DOT, returns its length

// Elementwise, broadcasting: a new handle ------------------------------------------------------------------

MXS_API mxs_tensor mxs_add(mxs_tensor a, mxs_tensor b);
MXS_API mxs_tensor mxs_subtract(mxs_tensor a, mxs_tensor b);
MXS_API mxs_tensor mxs_multiply(mxs_tensor a, mxs_tensor b);
MXS_API mxs_tensor mxs_divide(mxs_tensor a, mxs_tensor b);
MXS_API mxs_tensor mxs_power(mxs_tensor a, mxs_tensor b);
MXS_API mxs_tensor mxs_maximum(mxs_tensor a, mxs_tensor b);
MXS_API mxs_tensor mxs_minimum(mxs_tensor a, mxs_tensor b);
MXS_API mxs_tensor mxs_remainder(mxs_tensor a, mxs_tensor b);
MXS_API mxs_tensor mxs_floor_divide(mxs_tensor a, mxs_tensor b);
MXS_API mxs_tensor mxs_logaddexp(mxs_tensor a, mxs_tensor b);
MXS_API mxs_tensor mxs_equal(mxs_tensor a, mxs_tensor b);
MXS_API mxs_tensor mxs_not_equal(mxs_tensor a, mxs_tensor b);
MXS_API mxs_tensor mxs_less(mxs_tensor a, mxs_tensor b);
MXS_API mxs_tensor mxs_less_equal(mxs_tensor a, mxs_tensor b);
MXS_API mxs_tensor mxs_greater(mxs_tensor a, mxs_tensor b);
MXS_API mxs_tensor mxs_greater_equal(mxs_tensor a, mxs_tensor b);
MXS_API mxs_tensor mxs_logical_and(mxs_tensor a, mxs_tensor b);
MXS_API mxs_tensor mxs_logical_or(mxs_tensor a, mxs_tensor b);
MXS_API mxs_tensor mxs_bitwise_and(mxs_tensor a, mxs_tensor b);
MXS_API mxs_tensor mxs_bitwise_or(mxs_tensor a, mxs_tensor b);
MXS_API mxs_tensor mxs_bitwise_xor(mxs_tensor a, mxs_tensor b);
MXS_API mxs_tensor mxs_left_shift(mxs_tensor a, mxs_tensor b);
MXS_API mxs_tensor mxs_right_shift(mxs_tensor a, mxs_tensor b);

MXS_API mxs_tensor mxs_negative(mxs_tensor a);
MXS_API mxs_tensor mxs_abs(mxs_tensor a);
MXS_API mxs_tensor mxs_sign(mxs_tensor a);
MXS_API mxs_tensor mxs_exp(mxs_tensor a);
MXS_API mxs_tensor mxs_expm1(mxs_tensor a);
MXS_API mxs_tensor mxs_log(mxs_tensor a);
MXS_API mxs_tensor mxs_log1p(mxs_tensor a);
MXS_API mxs_tensor mxs_sqrt(mxs_tensor a);
MXS_API mxs_tensor mxs_rsqrt(mxs_tensor a);
MXS_API mxs_tensor mxs_square(mxs_tensor a);
MXS_API mxs_tensor mxs_reciprocal(mxs_tensor a);
MXS_API mxs_tensor mxs_sigmoid(mxs_tensor a);
MXS_API mxs_tensor mxs_tanh(mxs_tensor a);
MXS_API mxs_tensor mxs_erf(mxs_tensor a);
MXS_API mxs_tensor mxs_sin(mxs_tensor a);
MXS_API mxs_tensor mxs_cos(mxs_tensor a);
MXS_API mxs_tensor mxs_floor(mxs_tensor a);
MXS_API mxs_tensor mxs_ceil(mxs_tensor a);
MXS_API mxs_tensor mxs_round(mxs_tensor a);
MXS_API mxs_tensor mxs_logical_not(mxs_tensor a);
MXS_API mxs_tensor mxs_isfinite(mxs_tensor a);
MXS_API mxs_tensor mxs_isnan(mxs_tensor a);

MXS_API mxs_tensor mxs_where(mxs_tensor condition, mxs_tensor a, mxs_tensor b);
MXS_API mxs_tensor mxs_clip(mxs_tensor a, mxs_optional low, mxs_optional high);

// Reductions, over `axes` axes in scratch, or all when negative: a new handle ------------------------------

MXS_API mxs_tensor mxs_sum(mxs_tensor a, int32_t axes, int32_t keep_dims);
MXS_API mxs_tensor mxs_mean(mxs_tensor a, int32_t axes, int32_t keep_dims);
MXS_API mxs_tensor mxs_max(mxs_tensor a, int32_t axes, int32_t keep_dims);
MXS_API mxs_tensor mxs_min(mxs_tensor a, int32_t axes, int32_t keep_dims);
MXS_API mxs_tensor mxs_prod(mxs_tensor a, int32_t axes, int32_t keep_dims);
MXS_API mxs_tensor mxs_all(mxs_tensor a, int32_t axes, int32_t keep_dims);
MXS_API mxs_tensor mxs_any(mxs_tensor a, int32_t axes, int32_t keep_dims);
MXS_API mxs_tensor mxs_logsumexp(mxs_tensor a, int32_t axes, int32_t keep_dims);
MXS_API mxs_tensor mxs_argmax(mxs_tensor a, int32_t axes, int32_t keep_dims); // one axis or all
MXS_API mxs_tensor mxs_argmin(mxs_tensor a, int32_t axes, int32_t keep_dims); // one axis or all

// Along one axis: a new handle -----------------------------------------------------------------------------

MXS_API mxs_tensor mxs_softmax(mxs_tensor a, int32_t axis, int32_t precise);
MXS_API mxs_tensor mxs_cumsum(mxs_tensor a, int32_t axis, int32_t reverse, int32_t inclusive);
MXS_API mxs_tensor mxs_sort(mxs_tensor a, int32_t axis);
MXS_API mxs_tensor mxs_argsort(mxs_tensor a, int32_t axis);
MXS_API mxs_tensor mxs_partition(mxs_tensor a, int32_t kth, int32_t axis);
MXS_API mxs_tensor mxs_argpartition(mxs_tensor a, int32_t kth, int32_t axis);
MXS_API mxs_tensor mxs_topk(mxs_tensor a, int32_t k, int32_t axis);

// Shape: a new handle; lists in scratch --------------------------------------------------------------------

MXS_API mxs_tensor mxs_reshape(mxs_tensor a, int32_t rank);                 // shape
MXS_API mxs_tensor mxs_broadcast_to(mxs_tensor a, int32_t rank);            // shape
MXS_API mxs_tensor mxs_transpose(mxs_tensor a, int32_t axes);               // axes; negative reverses them all
MXS_API mxs_tensor mxs_swapaxes(mxs_tensor a, int32_t i, int32_t j);
MXS_API mxs_tensor mxs_expand_dims(mxs_tensor a, int32_t axes);             // axes
MXS_API mxs_tensor mxs_squeeze(mxs_tensor a, int32_t axes);                 // axes
MXS_API mxs_tensor mxs_flatten(mxs_tensor a, int32_t start, int32_t end);
MXS_API mxs_tensor mxs_concatenate(int32_t count, int32_t axis);            // handles
MXS_API mxs_tensor mxs_stack(int32_t count, int32_t axis);                  // handles
MXS_API int32_t mxs_split(mxs_tensor a, int32_t parts, int32_t axis);       // writes the new handles to scratch, returns their number
MXS_API int32_t mxs_split_at(mxs_tensor a, int32_t count, int32_t axis);    // indices; as above
MXS_API mxs_tensor mxs_repeat(mxs_tensor a, int32_t times, int32_t axis);
MXS_API mxs_tensor mxs_tile(mxs_tensor a, int32_t count);                   // repetitions
MXS_API mxs_tensor mxs_pad(mxs_tensor a, int32_t axis, int32_t low, int32_t high, double value);
MXS_API mxs_tensor mxs_roll(mxs_tensor a, int32_t shift, int32_t axis);
MXS_API mxs_tensor mxs_astype(mxs_tensor a, int32_t dtype);
MXS_API mxs_tensor mxs_from_fp8(mxs_tensor a, int32_t dtype);               // bytes in the form E4M3 as numbers
MXS_API mxs_tensor mxs_view(mxs_tensor a, int32_t dtype);                   // the same bytes as another dtype
MXS_API mxs_tensor mxs_contiguous(mxs_tensor a);

// Creation: a new handle -----------------------------------------------------------------------------------

MXS_API mxs_tensor mxs_full(double value, int32_t rank, int32_t dtype);     // scratch: shape
MXS_API mxs_tensor mxs_zeros_like(mxs_tensor a);
MXS_API mxs_tensor mxs_arange(double start, double stop, double step, int32_t dtype);
MXS_API mxs_tensor mxs_tri(int32_t rows, int32_t columns, int32_t k, int32_t dtype);
MXS_API mxs_tensor mxs_tril(mxs_tensor a, int32_t k);
MXS_API mxs_tensor mxs_triu(mxs_tensor a, int32_t k);
MXS_API mxs_tensor mxs_random_normal(int32_t rank, int32_t dtype, double seed);  // scratch: shape
MXS_API mxs_tensor mxs_random_uniform(int32_t rank, int32_t dtype, double seed); // scratch: shape; in [0, 1)

// Indexing: a new handle; the update ops work in place when nothing else refers to `a` at evaluation -------

MXS_API mxs_tensor mxs_slice(mxs_tensor a, int32_t rank);                   // scratch: starts, stops, strides
MXS_API mxs_tensor mxs_slice_axis(mxs_tensor a, int32_t axis, int32_t start, int32_t stop);
MXS_API mxs_tensor mxs_slice_update(mxs_tensor a, mxs_tensor update, int32_t rank); // scratch: starts, stops, strides
MXS_API mxs_tensor mxs_slice_dynamic(mxs_tensor a, mxs_tensor start, int32_t axes, int32_t rank); // scratch: axes, then sizes of all axes
MXS_API mxs_tensor mxs_slice_update_dynamic(mxs_tensor a, mxs_tensor update, mxs_tensor start, int32_t axes); // scratch: axes
MXS_API mxs_tensor mxs_take(mxs_tensor a, mxs_tensor indices);              // from the flattened tensor
MXS_API mxs_tensor mxs_take_axis(mxs_tensor a, mxs_tensor indices, int32_t axis);
MXS_API mxs_tensor mxs_take_along_axis(mxs_tensor a, mxs_tensor indices, int32_t axis);
MXS_API mxs_tensor mxs_put_along_axis(mxs_tensor a, mxs_tensor indices, mxs_tensor values, int32_t axis);
MXS_API mxs_tensor mxs_scatter(mxs_tensor a, mxs_tensor updates, int32_t count);     // scratch: index handles, then as many axes
MXS_API mxs_tensor mxs_scatter_add(mxs_tensor a, mxs_tensor updates, int32_t count); // the same

// Products and layers: a new handle. Quantization mode: 0 affine, 1 mxfp4, 2 mxfp8, 3 nvfp4 -----------------

MXS_API mxs_tensor mxs_matmul(mxs_tensor a, mxs_tensor b);
MXS_API mxs_tensor mxs_addmm(mxs_tensor c, mxs_tensor a, mxs_tensor b, double scale); // c + scale a b
MXS_API mxs_tensor mxs_gather_mm(mxs_tensor a, mxs_tensor b, mxs_optional lhs, mxs_optional rhs, int32_t sorted);
MXS_API mxs_tensor mxs_quantized_matmul(mxs_tensor x, mxs_tensor w, mxs_tensor scales, mxs_optional biases, int32_t group_size, int32_t bits,
                                        int32_t mode, int32_t transpose);
MXS_API mxs_tensor mxs_gather_qmm(mxs_tensor x, mxs_tensor w, mxs_tensor scales, mxs_optional biases, mxs_optional lhs, mxs_optional rhs,
                                  int32_t group_size, int32_t bits, int32_t mode, int32_t transpose, int32_t sorted);
// Writes the new handles to scratch (w, scales and, in affine mode, biases) and returns their number.
MXS_API int32_t mxs_quantize(mxs_tensor w, int32_t group_size, int32_t bits, int32_t mode);
// A negative dtype stands for that of the scales.
MXS_API mxs_tensor mxs_dequantize(mxs_tensor w, mxs_tensor scales, mxs_optional biases, int32_t group_size, int32_t bits, int32_t mode,
                                  int32_t dtype);
MXS_API mxs_tensor mxs_conv1d(mxs_tensor x, mxs_tensor w, int32_t stride, int32_t padding, int32_t dilation, int32_t groups);
MXS_API mxs_tensor mxs_conv2d(mxs_tensor x, mxs_tensor w, int32_t groups);  // scratch: stride, padding, dilation, two of each
MXS_API mxs_tensor mxs_conv_transpose1d(mxs_tensor x, mxs_tensor w, int32_t stride, int32_t padding, int32_t dilation, int32_t output_padding,
                                        int32_t groups);
MXS_API mxs_tensor mxs_rms_norm(mxs_tensor x, mxs_optional weight, double eps);
MXS_API mxs_tensor mxs_layer_norm(mxs_tensor x, mxs_optional weight, mxs_optional bias, double eps);
// base 0 stands for none, and then freqs gives the wavelengths. The second form has an offset per row.
MXS_API mxs_tensor mxs_turn(mxs_tensor x, mxs_tensor cos, mxs_tensor sin, mxs_tensor other); // x cos + x[other] sin over the last axis
MXS_API mxs_tensor mxs_rope(mxs_tensor x, int32_t dims, int32_t traditional, double base, double scale, mxs_optional freqs, int32_t offset);
MXS_API mxs_tensor mxs_rope_rows(mxs_tensor x, int32_t dims, int32_t traditional, double base, double scale, mxs_optional freqs, mxs_tensor offset);
MXS_API mxs_tensor mxs_attention(mxs_tensor q, mxs_tensor k, mxs_tensor v, double scale, int32_t causal, mxs_optional mask, mxs_optional sinks);

// Several MLX calls in one, compiled on the GPU back ends: a new handle ------------------------------------

MXS_API mxs_tensor mxs_silu(mxs_tensor x);
MXS_API mxs_tensor mxs_swiglu(mxs_tensor gate, mxs_tensor up);              // silu(gate) up
MXS_API mxs_tensor mxs_gelu(mxs_tensor x);
MXS_API mxs_tensor mxs_geglu(mxs_tensor gate, mxs_tensor up);               // gelu(gate) up
MXS_API mxs_tensor mxs_gelu_tanh(mxs_tensor x);
MXS_API mxs_tensor mxs_geglu_tanh(mxs_tensor gate, mxs_tensor up);          // gelu_tanh(gate) up
MXS_API mxs_tensor mxs_relu(mxs_tensor x);
MXS_API mxs_tensor mxs_softplus(mxs_tensor x);
MXS_API mxs_tensor mxs_softcap(mxs_tensor x, double cap);                   // cap tanh(x / cap)

// Kernels of ours for the CUDA back end; but for logits, numbers are bfloat16 or float16, of one type in a call --

MXS_API int32_t mxs_own_kernels(void); // whether the device in use takes them

// Affine mode, 4 or 8 bits, groups of 32, 64 or 128: for up to some hundred rows of x.
MXS_API mxs_tensor mxs_packed_matmul(mxs_tensor x, mxs_tensor w, mxs_tensor scales, mxs_tensor biases, int32_t group_size, int32_t bits);
// projected [B, L, heads and twice as many of keys, D] → queries [B, heads, L, D]; keys and values are written into the slabs in place. Writes three
// handles to scratch, queries and both slabs, which are to be used instead of those given, and returns their number.
MXS_API int32_t mxs_place_heads(mxs_tensor projected, mxs_optional gains, mxs_tensor angles, mxs_tensor offsets, mxs_tensor keys, mxs_tensor values,
                                int32_t heads, int32_t dims, int32_t traditional, double eps);
// queries [B, heads, 1, D], keys and values [B, kv heads, positions, D]; row b attends to positions up to lengths[b], the last `window` of them if
// that is not 0 → [B, heads, 1, D].
MXS_API mxs_tensor mxs_attend_one(mxs_tensor queries, mxs_tensor keys, mxs_tensor values, mxs_tensor lengths, int32_t window, double scale);
// queries [B, heads, L, D] of the last L positions, causal → [B, L, heads, D].
MXS_API mxs_tensor mxs_attend_many(mxs_tensor queries, mxs_tensor keys, mxs_tensor values, int32_t window, double scale);
// logits [B, V] float32, options [B, 5] float32: temperature, top-p, top-k, min-p and a number in [0, 1) → ids [B] uint32.
MXS_API mxs_tensor mxs_draw(mxs_tensor logits, mxs_tensor options);

// Files ----------------------------------------------------------------------------------------------------

MXS_API int32_t mxs_load_safetensors(const char *path); // opens the file lazily and returns the number of its tensors
MXS_API const char *mxs_load_next(void);                // the next tensor's name, its new *kept* handle in scratch; null at the end
MXS_API int32_t mxs_save_begin(void);                                         // starts a new file; forgets what an earlier one collected
MXS_API int32_t mxs_save_tensor(const char *name, mxs_tensor a);              // collects a tensor, by reference
MXS_API int32_t mxs_save_metadata(const char *key, const char *value);
MXS_API int32_t mxs_save_safetensors(const char *path);                       // evaluates and writes what was collected, and forgets it

#endif

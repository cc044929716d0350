// Arithmetic, comparison, reduction and ordering: each is one MLX call.

#include "arena.h"

// Each has the same name here and in MLX.
#define BINARY(X)                                                                                                                                    \
  X(add)                                                                                                                                             \
  X(subtract)                                                                                                                                        \
  X(multiply)                                                                                                                                        \
  X(divide)                                                                                                                                          \
  X(power)                                                                                                                                           \
  X(maximum)                                                                                                                                         \
  X(minimum)                                                                                                                                         \
  X(remainder)                                                                                                                                       \
  X(floor_divide)                                                                                                                                    \
  X(logaddexp)                                                                                                                                       \
  X(equal)                                                                                                                                           \
  X(not_equal)                                                                                                                                       \
  X(less)                                                                                                                                            \
  X(less_equal)                                                                                                                                      \
  X(greater)                                                                                                                                         \
  X(greater_equal)                                                                                                                                   \
  X(logical_and)                                                                                                                                     \
  X(logical_or)                                                                                                                                      \
  X(bitwise_and)                                                                                                                                     \
  X(bitwise_or)                                                                                                                                      \
  X(bitwise_xor)                                                                                                                                     \
  X(left_shift)                                                                                                                                      \
  X(right_shift)

#define UNARY(X)                                                                                                                                     \
  X(negative)                                                                                                                                        \
  X(abs)                                                                                                                                             \
  X(sign)                                                                                                                                            \
  X(exp)                                                                                                                                             \
  X(expm1)                                                                                                                                           \
  X(log)                                                                                                                                             \
  X(log1p)                                                                                                                                           \
  X(sqrt)                                                                                                                                            \
  X(rsqrt)                                                                                                                                           \
  X(square)                                                                                                                                          \
  X(reciprocal)                                                                                                                                      \
  X(sigmoid)                                                                                                                                         \
  X(tanh)                                                                                                                                            \
  X(erf)                                                                                                                                             \
  X(sin)                                                                                                                                             \
  X(cos)                                                                                                                                             \
  X(floor)                                                                                                                                           \
  X(ceil)                                                                                                                                            \
  X(logical_not)                                                                                                                                     \
  X(isfinite)                                                                                                                                        \
  X(isnan)

#define REDUCTION(X)                                                                                                                                 \
  X(sum)                                                                                                                                             \
  X(mean)                                                                                                                                            \
  X(max)                                                                                                                                             \
  X(min)                                                                                                                                             \
  X(prod)                                                                                                                                            \
  X(all)                                                                                                                                             \
  X(any)                                                                                                                                             \
  X(logsumexp)

#define DEFINE_BINARY(name)                                                                                                                          \
  mxs_tensor mxs_##name(mxs_tensor a, mxs_tensor b) {                                                                                                \
    TENSOR(a);                                                                                                                                       \
    TENSOR(b);                                                                                                                                       \
    RETURN(mlx_##name(&result, a_, b_, mxs_stream));                                                                                                  \
  }
BINARY(DEFINE_BINARY)

#define DEFINE_UNARY(name)                                                                                                                           \
  mxs_tensor mxs_##name(mxs_tensor a) {                                                                                                              \
    TENSOR(a);                                                                                                                                       \
    RETURN(mlx_##name(&result, a_, mxs_stream));                                                                                                      \
  }
UNARY(DEFINE_UNARY)

#define DEFINE_REDUCTION(name)                                                                                                                       \
  mxs_tensor mxs_##name(mxs_tensor a, int32_t axes, int32_t keep_dims) {                                                                             \
    TENSOR(a);                                                                                                                                       \
    LIST(axes);                                                                                                                                      \
    RETURN(axes < 0 ? mlx_##name(&result, a_, keep_dims, mxs_stream)                                                                                 \
                    : mlx_##name##_axes(&result, a_, mxs_lists, (size_t)axes, keep_dims, mxs_stream));                                               \
  }
REDUCTION(DEFINE_REDUCTION)

#define DEFINE_ARG_REDUCTION(name)                                                                                                                   \
  mxs_tensor mxs_##name(mxs_tensor a, int32_t axes, int32_t keep_dims) {                                                                             \
    TENSOR(a);                                                                                                                                       \
    if (axes > 1) return mxs_fail(__func__, "over one axis or all, not %d", axes);                                                                   \
    RETURN(axes < 1 ? mlx_##name(&result, a_, keep_dims, mxs_stream) : mlx_##name##_axis(&result, a_, mxs_lists[0], keep_dims, mxs_stream));         \
  }
DEFINE_ARG_REDUCTION(argmax)
DEFINE_ARG_REDUCTION(argmin)

mxs_tensor mxs_round(mxs_tensor a) {
  TENSOR(a);
  RETURN(mlx_round(&result, a_, 0, mxs_stream));
}

mxs_tensor mxs_where(mxs_tensor condition, mxs_tensor a, mxs_tensor b) {
  TENSOR(condition);
  TENSOR(a);
  TENSOR(b);
  RETURN(mlx_where(&result, condition_, a_, b_, mxs_stream));
}

mxs_tensor mxs_clip(mxs_tensor a, mxs_optional low, mxs_optional high) {
  TENSOR(a);
  OPTIONAL(low);
  OPTIONAL(high);
  RETURN(mlx_clip(&result, a_, low_, high_, mxs_stream));
}

mxs_tensor mxs_softmax(mxs_tensor a, int32_t axis, int32_t precise) {
  TENSOR(a);
  RETURN(mlx_softmax_axis(&result, a_, axis, precise, mxs_stream));
}

mxs_tensor mxs_cumsum(mxs_tensor a, int32_t axis, int32_t reverse, int32_t inclusive) {
  TENSOR(a);
  mlx_optional_dtype same = {0};
  RETURN(mlx_cumsum_axis(&result, a_, axis, reverse, inclusive, same, mxs_stream));
}

mxs_tensor mxs_sort(mxs_tensor a, int32_t axis) {
  TENSOR(a);
  RETURN(mlx_sort_axis(&result, a_, axis, mxs_stream));
}

mxs_tensor mxs_argsort(mxs_tensor a, int32_t axis) {
  TENSOR(a);
  RETURN(mlx_argsort_axis(&result, a_, axis, mxs_stream));
}

mxs_tensor mxs_partition(mxs_tensor a, int32_t kth, int32_t axis) {
  TENSOR(a);
  RETURN(mlx_partition_axis(&result, a_, kth, axis, mxs_stream));
}

mxs_tensor mxs_argpartition(mxs_tensor a, int32_t kth, int32_t axis) {
  TENSOR(a);
  RETURN(mlx_argpartition_axis(&result, a_, kth, axis, mxs_stream));
}

mxs_tensor mxs_topk(mxs_tensor a, int32_t k, int32_t axis) {
  TENSOR(a);
  RETURN(mlx_topk_axis(&result, a_, k, axis, mxs_stream));
}

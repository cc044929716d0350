// Arithmetic, comparison, reduction and ordering: each is one MLX call.

#include "arena.h"

// Name here (mxs_…), name in MLX (mlx_…).
#define BINARY(X)                                                                                                                                    \
  X(add, add)                                                                                                                                        \
  X(subtract, subtract)                                                                                                                              \
  X(multiply, multiply)                                                                                                                              \
  X(divide, divide)                                                                                                                                  \
  X(power, power)                                                                                                                                    \
  X(maximum, maximum)                                                                                                                                \
  X(minimum, minimum)                                                                                                                                \
  X(remainder, remainder)                                                                                                                            \
  X(floor_divide, floor_divide)                                                                                                                      \
  X(logaddexp, logaddexp)                                                                                                                            \
  X(equal, equal)                                                                                                                                    \
  X(not_equal, not_equal)                                                                                                                            \
  X(less, less)                                                                                                                                      \
  X(less_equal, less_equal)                                                                                                                          \
  X(greater, greater)                                                                                                                                \
  X(greater_equal, greater_equal)                                                                                                                    \
  X(logical_and, logical_and)                                                                                                                        \
  X(logical_or, logical_or)                                                                                                                          \
  X(bitwise_and, bitwise_and)                                                                                                                        \
  X(bitwise_or, bitwise_or)                                                                                                                          \
  X(bitwise_xor, bitwise_xor)                                                                                                                        \
  X(left_shift, left_shift)                                                                                                                          \
  X(right_shift, right_shift)

#define UNARY(X)                                                                                                                                     \
  X(negative, negative)                                                                                                                              \
  X(abs, abs)                                                                                                                                        \
  X(sign, sign)                                                                                                                                      \
  X(exp, exp)                                                                                                                                        \
  X(expm1, expm1)                                                                                                                                    \
  X(log, log)                                                                                                                                        \
  X(log1p, log1p)                                                                                                                                    \
  X(sqrt, sqrt)                                                                                                                                      \
  X(rsqrt, rsqrt)                                                                                                                                    \
  X(square, square)                                                                                                                                  \
  X(reciprocal, reciprocal)                                                                                                                          \
  X(sigmoid, sigmoid)                                                                                                                                \
  X(tanh, tanh)                                                                                                                                      \
  X(erf, erf)                                                                                                                                        \
  X(sin, sin)                                                                                                                                        \
  X(cos, cos)                                                                                                                                        \
  X(floor, floor)                                                                                                                                    \
  X(ceil, ceil)                                                                                                                                      \
  X(logical_not, logical_not)                                                                                                                        \
  X(isfinite, isfinite)                                                                                                                              \
  X(isnan, isnan)

#define REDUCTION(X)                                                                                                                                 \
  X(sum)                                                                                                                                             \
  X(mean)                                                                                                                                            \
  X(max)                                                                                                                                             \
  X(min)                                                                                                                                             \
  X(prod)                                                                                                                                            \
  X(all)                                                                                                                                             \
  X(any)                                                                                                                                             \
  X(logsumexp)

#define DEFINE_BINARY(name, mlx)                                                                                                                     \
  mxs_tensor mxs_##name(mxs_tensor a, mxs_tensor b) {                                                                                                \
    TENSOR(a);                                                                                                                                       \
    TENSOR(b);                                                                                                                                       \
    RETURN(mlx_##mlx(&result, a_, b_, mxs_stream));                                                                                                  \
  }
BINARY(DEFINE_BINARY)

#define DEFINE_UNARY(name, mlx)                                                                                                                      \
  mxs_tensor mxs_##name(mxs_tensor a) {                                                                                                              \
    TENSOR(a);                                                                                                                                       \
    RETURN(mlx_##mlx(&result, a_, mxs_stream));                                                                                                      \
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

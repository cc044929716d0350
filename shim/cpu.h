// Layers that MLX's CPU back end makes of many primitives, as one each (cpu.cpp). Models spend their time on primitives there.
// All take float32 and fail otherwise, as MLX's own functions do: 0 or 1, the message through MLX's error handler.

#ifndef MXS_CPU_H
#define MXS_CPU_H

#include <stdbool.h>

#include "mlx/c/mlx.h"

#ifdef __cplusplus
extern "C" {
#endif

// Whether an array may go through them: float32, on the CPU.
bool mxs_cpu_takes(mlx_array x, mlx_stream stream);
// x / sqrt(mean(x²) + eps) · weight over the last axis; `weight` may be null.
int mxs_cpu_rms_norm(mlx_array *result, mlx_array x, mlx_array weight, float eps, mlx_stream stream);
// x · cos + x[other] · sin over the last axis: x [B, heads, L, width], cos and sin [B or 1, 1, L, width], other [width] int32.
int mxs_cpu_turn(mlx_array *result, mlx_array x, mlx_array cos, mlx_array sin, mlx_array other, mlx_stream stream);
// gate · sigmoid(gate) · up.
int mxs_cpu_swiglu(mlx_array *result, mlx_array gate, mlx_array up, mlx_stream stream);

#ifdef __cplusplus
}
#endif

#endif

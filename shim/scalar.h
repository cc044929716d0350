// Constants in a tensor's own type: an MLX scalar of another type would widen the result or cost a kernel.

#ifndef MXS_SCALAR_H
#define MXS_SCALAR_H

#include "mlx/c/mlx.h"

mlx_array mxs_scalar_array(double value, mlx_dtype dtype); // the caller frees it

#endif

// Activations of several MLX calls in one. On the GPU back ends each is compiled into one kernel for any shape, the first time it is
// used; on the CPU back end compiling would need a C++ compiler at run time, so there the calls are made one by one, or cpu.cpp does it.
//
// The order of operations is mlx-lm's, so that results agree with it to the last bit.

#include "arena.h"
#include "cpu.h"
#include "scalar.h"

// A body reads `inputs` and writes one result; it stops at the first call that fails.
typedef int body(mlx_array *result, const mlx_array *inputs);

// Intermediate results of a body, freed together; the longest body has 14.
typedef struct {
  mlx_array items[16];
  int count;
  int failed;
} steps;

static mlx_array add_step(steps *s, int failed, mlx_array array) {
  s->failed |= failed;
  return s->items[s->count++] = array;
}

static mlx_array constant(steps *s, double value, mlx_array like) { return add_step(s, 0, mxs_scalar_array(value, mlx_array_dtype(like))); }

static mlx_array unary(steps *s, int call(mlx_array *, const mlx_array, const mlx_stream), mlx_array a) {
  mlx_array r = {NULL};
  int failed = s->failed || call(&r, a, mxs_stream);
  return add_step(s, failed, r);
}

static mlx_array binary(steps *s, int call(mlx_array *, const mlx_array, const mlx_array, const mlx_stream), mlx_array a, mlx_array b) {
  mlx_array r = {NULL};
  int failed = s->failed || call(&r, a, b, mxs_stream);
  return add_step(s, failed, r);
}

// The last step is the result; the others are freed.
static int finish(steps *s, mlx_array *result) {
  if (!s->failed) *result = s->items[--s->count];
  while (s->count > 0) mlx_array_free(s->items[--s->count]);
  return s->failed;
}

static int silu(mlx_array *result, const mlx_array *in) {
  steps s = {0};
  binary(&s, mlx_multiply, in[0], unary(&s, mlx_sigmoid, in[0]));
  return finish(&s, result);
}

static int swiglu(mlx_array *result, const mlx_array *in) {
  if (mxs_cpu_takes(in[0], mxs_stream)) return mxs_cpu_swiglu(result, in[0], in[1], mxs_stream);
  steps s = {0};
  mlx_array gate = binary(&s, mlx_multiply, in[0], unary(&s, mlx_sigmoid, in[0]));
  binary(&s, mlx_multiply, gate, in[1]);
  return finish(&s, result);
}

static mlx_array gelu_steps(steps *s, mlx_array x) {
  mlx_array erf = unary(s, mlx_erf, binary(s, mlx_divide, x, constant(s, 1.4142135623730951, x)));
  mlx_array scaled = binary(s, mlx_multiply, x, binary(s, mlx_add, constant(s, 1, x), erf));
  return binary(s, mlx_divide, scaled, constant(s, 2, x));
}

static int gelu(mlx_array *result, const mlx_array *in) {
  steps s = {0};
  gelu_steps(&s, in[0]);
  return finish(&s, result);
}

static int geglu(mlx_array *result, const mlx_array *in) {
  steps s = {0};
  binary(&s, mlx_multiply, gelu_steps(&s, in[0]), in[1]);
  return finish(&s, result);
}

static mlx_array gelu_tanh_steps(steps *s, mlx_array x) {
  mlx_array cube = binary(s, mlx_power, x, constant(s, 3, x));
  mlx_array inner = binary(s, mlx_add, x, binary(s, mlx_multiply, constant(s, 0.044715, x), cube));
  mlx_array tanh = unary(s, mlx_tanh, binary(s, mlx_multiply, constant(s, 0.7978845608028654, x), inner));
  mlx_array half = binary(s, mlx_multiply, constant(s, 0.5, x), x);
  return binary(s, mlx_multiply, half, binary(s, mlx_add, constant(s, 1, x), tanh));
}

static int gelu_tanh(mlx_array *result, const mlx_array *in) {
  steps s = {0};
  gelu_tanh_steps(&s, in[0]);
  return finish(&s, result);
}

static int geglu_tanh(mlx_array *result, const mlx_array *in) {
  steps s = {0};
  binary(&s, mlx_multiply, gelu_tanh_steps(&s, in[0]), in[1]);
  return finish(&s, result);
}

static int softplus(mlx_array *result, const mlx_array *in) {
  steps s = {0};
  binary(&s, mlx_logaddexp, in[0], constant(&s, 0, in[0]));
  return finish(&s, result);
}

static int softcap(mlx_array *result, const mlx_array *in) {
  steps s = {0};
  mlx_array tanh = unary(&s, mlx_tanh, binary(&s, mlx_divide, in[0], in[1]));
  binary(&s, mlx_multiply, tanh, in[1]);
  return finish(&s, result);
}

// One compiled form per body, made at its first use.
typedef struct {
  body *run;
  int inputs;
  mlx_closure compiled;
} fused;

static int trace(mlx_vector_array *results, const mlx_vector_array inputs, void *payload) {
  const fused *f = payload;
  mlx_array in[2] = {{NULL}, {NULL}}, result = {NULL};
  int failed = 0;
  for (int i = 0; i < f->inputs; i++) failed |= mlx_vector_array_get(&in[i], inputs, (size_t)i);
  failed = failed || f->run(&result, in) || mlx_vector_array_set_value(results, result);
  for (int i = 0; i < f->inputs; i++) mlx_array_free(in[i]);
  mlx_array_free(result);
  return failed;
}

static int compile(fused *f) {
  mlx_closure plain = mlx_closure_new_func_payload(trace, f, NULL);
  int failed = mlx_compile(&f->compiled, plain, true);
  mlx_closure_free(plain);
  return failed;
}

static int run(fused *f, mlx_array *result, const mlx_array *inputs) {
  if (!mxs_compiles) return f->run(result, inputs);
  if (!f->compiled.ctx && compile(f)) return 1;
  mlx_vector_array in = mlx_vector_array_new_data(inputs, (size_t)f->inputs), out = {NULL};
  int failed = mlx_closure_apply(&out, f->compiled, in) || mlx_vector_array_get(result, out, 0);
  mlx_vector_array_free(in);
  mlx_vector_array_free(out);
  return failed;
}

#define DEFINE_ONE(name)                                                                                                                             \
  mxs_tensor mxs_##name(mxs_tensor x) {                                                                                                              \
    static fused f = {name, 1, {NULL}};                                                                                                              \
    TENSOR(x);                                                                                                                                       \
    RETURN(run(&f, &result, &x_));                                                                                                                   \
  }
DEFINE_ONE(silu)
DEFINE_ONE(gelu)
DEFINE_ONE(gelu_tanh)
DEFINE_ONE(softplus)

#define DEFINE_GATED(name)                                                                                                                           \
  mxs_tensor mxs_##name(mxs_tensor gate, mxs_tensor up) {                                                                                            \
    static fused f = {name, 2, {NULL}};                                                                                                              \
    TENSOR(gate);                                                                                                                                    \
    TENSOR(up);                                                                                                                                      \
    mlx_array inputs[] = {gate_, up_};                                                                                                               \
    RETURN(run(&f, &result, inputs));                                                                                                                \
  }
DEFINE_GATED(swiglu)
DEFINE_GATED(geglu)
DEFINE_GATED(geglu_tanh)

mxs_tensor mxs_relu(mxs_tensor x) {
  TENSOR(x);
  mlx_array zero = mxs_scalar_array(0, mlx_array_dtype(x_)), result = {NULL};
  int failed = mlx_maximum(&result, x_, zero, mxs_stream);
  mlx_array_free(zero);
  return mxs_born(failed, result, __func__);
}

mxs_tensor mxs_softcap(mxs_tensor x, double cap) {
  static fused f = {softcap, 2, {NULL}};
  TENSOR(x);
  mlx_array inputs[] = {x_, mxs_scalar_array(cap, mlx_array_dtype(x_))};
  mlx_array result = {NULL};
  int failed = run(&f, &result, inputs);
  mlx_array_free(inputs[1]);
  return mxs_born(failed, result, __func__);
}

// Kernels of our own for MLX's CUDA back end. Their sources, in cuda/, are compiled when they are first used, once for each set of constants.
// MLX keeps what it compiled by name, also on disk, so a name ends in a hash of its source.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "cuda-sources.h" // made by build.sh: cuda_ptx and one string for each other file in cuda/

enum { MOST_INPUTS = 6, MOST_OUTPUTS = 2, MOST_CONSTANTS = 8, MOST_AXES = 8 };

typedef struct {
  const char *name;
  const char *source;                    // functions, for behind ptx.cuh and attend-heads.cuh
  const char *body;                      // of the kernel: calls one of them
  const char *inputs[MOST_INPUTS];       // their names in the body
  const char *outputs[MOST_OUTPUTS];     // likewise
  const char *constants[MOST_CONSTANTS]; // likewise; beside them there is the type T
  bool strided;                          // inputs may be views; for others MLX makes copies of those
} kernel;

// What is fixed when a kernel is compiled.
typedef struct {
  const kernel *of;
  mlx_dtype type; // T
  int constants[MOST_CONSTANTS];
  int shared_bytes; // of dynamic shared memory
} form;

typedef struct {
  form form;
  mlx_fast_cuda_kernel made;
} variant;

typedef struct {
  int x, y, z;
} size3;

typedef struct {
  form form;
  size3 blocks;
  int lanes, rows; // threads of a block
  int outputs;
  struct {
    const int *shape;
    size_t rank;
    mlx_dtype dtype;
  } output[MOST_OUTPUTS];
} launch;

static uint32_t hash(uint32_t seed, const char *text) { // FNV-1a
  for (; *text; text++) seed = (seed ^ (uint8_t)*text) * 16777619u;
  return seed;
}

static mlx_vector_string names(const char *const *list, size_t most) {
  size_t count = 0;
  while (count < most && list[count]) count++;
  return mlx_vector_string_new_data((const char **)list, count);
}

static const char *type_name(mlx_dtype type) { return type == MLX_BFLOAT16 ? "__nv_bfloat16" : type == MLX_FLOAT16 ? "__half" : "float"; }

static mlx_fast_cuda_kernel make(const form *f) {
  static char header[65536], body[4096];
  char name[64];
  snprintf(header, sizeof header, "%s%s%s", cuda_ptx, cuda_attend_heads, f->of->source);
  size_t length = (size_t)snprintf(body, sizeof body, "using T = %s;\n", type_name(f->type));
  for (int i = 0; i < MOST_CONSTANTS && f->of->constants[i]; i++) {
    length += (size_t)snprintf(body + length, sizeof body - length, "constexpr int %s = %d;\n", f->of->constants[i], f->constants[i]);
  }
  snprintf(body + length, sizeof body - length, "%s", f->of->body);
  snprintf(name, sizeof name, "%s_%08x", f->of->name, hash(hash(2166136261u, header), body));
  mlx_vector_string inputs = names(f->of->inputs, MOST_INPUTS), outputs = names(f->of->outputs, MOST_OUTPUTS);
  mlx_fast_cuda_kernel made = mlx_fast_cuda_kernel_new(name, inputs, outputs, body, header, !f->of->strided, f->shared_bytes);
  mlx_vector_string_free(inputs);
  mlx_vector_string_free(outputs);
  return made;
}

// The kernel of a form, made when it is first asked for; null on failure.
static mlx_fast_cuda_kernel find_kernel(const form *f) {
  static variant *variants = NULL;
  static size_t count = 0;
  for (size_t i = 0; i < count; i++) {
    if (memcmp(&variants[i].form, f, sizeof *f) == 0) return variants[i].made;
  }
  variant *more = realloc(variants, (count + 1) * sizeof *variants);
  mlx_fast_cuda_kernel made = {NULL};
  if (more == NULL) return made;
  variants = more;
  made = make(f);
  if (made.ctx) variants[count++] = (variant){*f, made};
  return made;
}

static void set_output(launch *l, const int *shape, size_t rank, mlx_dtype dtype) {
  l->output[l->outputs].shape = shape;
  l->output[l->outputs].rank = rank;
  l->output[l->outputs++].dtype = dtype;
}

static int configure(mlx_fast_cuda_kernel_config config, const launch *l) {
  int failed = mlx_fast_cuda_kernel_config_set_grid(config, l->blocks.x * l->lanes, l->blocks.y * l->rows, l->blocks.z) || // MLX counts threads
               mlx_fast_cuda_kernel_config_set_thread_group(config, l->lanes, l->rows, 1);
  for (int i = 0; i < l->outputs && !failed; i++) {
    failed = mlx_fast_cuda_kernel_config_add_output_arg(config, l->output[i].shape, l->output[i].rank, l->output[i].dtype);
  }
  return failed;
}

static int apply_all(mlx_vector_array *results, const launch *l, const mlx_array *inputs, size_t count) {
  mlx_fast_cuda_kernel k = find_kernel(&l->form);
  mlx_fast_cuda_kernel_config config = mlx_fast_cuda_kernel_config_new();
  mlx_vector_array in = mlx_vector_array_new_data(inputs, count);
  int failed = k.ctx == NULL || configure(config, l) || mlx_fast_cuda_kernel_apply(results, k, in, config, mxs_stream);
  mlx_fast_cuda_kernel_config_free(config);
  mlx_vector_array_free(in);
  return failed;
}

static int apply(mlx_array *result, const launch *l, const mlx_array *inputs, size_t count) {
  mlx_vector_array results = {NULL};
  int failed = apply_all(&results, l, inputs, count) || mlx_vector_array_get(result, results, 0);
  if (results.ctx) mlx_vector_array_free(results);
  return failed;
}

static int blocks(int count, int size) { return (count + size - 1) / size; }

// A float as the whole number that has its bits, which is how it becomes a constant.
static int bits_of(double value) {
  union {
    float number;
    int bits;
  } cell = {.number = (float)value};
  return cell.bits;
}

int32_t mxs_own_kernels(void) {
  static const char *const keys[] = {"compute_capability_major"};
  return mxs_device_fact(keys, 1) >= 8; // the first with tensor cores for bfloat16
}

// Products with a packed matrix --------------------------------------------------------------------------------

enum { WARPS = 8 };

static const kernel packed_matmul = {
    .name = "packed_matmul",
    .source = cuda_qmm,
    .body = "int rows = 1;\n"
            "for (int i = 0; i < x_ndim - 1; i++) rows *= x_shape[i];\n"
            "quantized_matmul<T, BITS, GROUP, TILES, SPLIT>(x, w, scales, biases, out, rows, w_shape[0], x_shape[x_ndim - 1]);\n",
    .inputs = {"x", "w", "scales", "biases"},
    .outputs = {"out"},
    .constants = {"BITS", "GROUP", "TILES", "SPLIT"},
};

mxs_tensor mxs_packed_matmul(mxs_tensor x, mxs_tensor w, mxs_tensor scales, mxs_tensor biases, int32_t group_size, int32_t bits) {
  TENSOR(x);
  TENSOR(w);
  TENSOR(scales);
  TENSOR(biases);
  int shape[MOST_AXES];
  const size_t rank = mlx_array_ndim(x_);
  if (rank < 1 || rank > MOST_AXES) return mxs_fail(__func__, "x has %zu axes", rank);
  memcpy(shape, mlx_array_shape(x_), rank * sizeof *shape);
  const int outputs = shape[rank - 1] = mlx_array_shape(w_)[0];
  const int rows = (int)(mlx_array_size(x_) / (size_t)mlx_array_shape(x_)[rank - 1]);
  const int tiles = rows <= 8 ? 1 : rows <= 16 ? 2 : 4;
  const int split = outputs <= 8192 ? WARPS : WARPS / 4; // warps per output: few outputs would leave most of the device idle
  launch l = {
      .form = {&packed_matmul, mlx_array_dtype(x_), {bits, group_size, tiles, split}, 0},
      .blocks = {blocks(outputs, 16 * WARPS / split), blocks(rows, 8 * tiles), 1},
      .lanes = 32 * WARPS,
      .rows = 1,
  };
  set_output(&l, shape, rank, mlx_array_dtype(x_));
  RETURN(apply(&result, &l, (mlx_array[]){x_, w_, scales_, biases_}, 4));
}

// The next ids -------------------------------------------------------------------------------------------------

static const kernel draw_ids = {
    .name = "draw_ids",
    .source = cuda_draw,
    .body = "draw(logits, options, ids, logits_shape[1]);\n",
    .inputs = {"logits", "options"},
    .outputs = {"ids"},
};

mxs_tensor mxs_draw(mxs_tensor logits, mxs_tensor options) {
  TENSOR(logits);
  TENSOR(options);
  enum { MOST_IDS = 1 << 21, THREADS = 1024 }; // 2^ID_BITS and DRAW_THREADS
  const int rows = mlx_array_shape(logits_)[0], ids = mlx_array_shape(logits_)[1];
  if (ids > MOST_IDS) return mxs_fail(__func__, "a vocabulary has at most %d ids, not %d", MOST_IDS, ids);
  launch l = {
      .form = {&draw_ids, MLX_FLOAT32, {0}, 0},
      .blocks = {rows, 1, 1},
      .lanes = THREADS,
      .rows = 1,
  };
  set_output(&l, &rows, 1, MLX_UINT32);
  RETURN(apply(&result, &l, (mlx_array[]){logits_, options_}, 2));
}

// Attention ----------------------------------------------------------------------------------------------------

#define HEADS_OF(name) "Heads<T>{" name ", " name "_strides[0], " name "_strides[1], " name "_strides[2]}"

static const kernel place_heads = {
    .name = "place_heads",
    .source = cuda_place,
    .body = "place_heads<T, D, HEADS, KV_HEADS, NORM != 0, DIMS, TRADITIONAL != 0, EPS, WARPS>({projected, projected_strides[0], D, "
            "projected_strides[1]}, gains, angles, offsets, queries, " HEADS_OF("keys") ", " HEADS_OF("values") ");\n",
    .inputs = {"projected", "gains", "angles", "offsets", "keys", "values"},
    .outputs = {"queries"},
    .constants = {"D", "HEADS", "KV_HEADS", "NORM", "DIMS", "TRADITIONAL", "EPS", "WARPS"},
    .strided = true,
};

// Appends both slabs as they are once the queries are computed: the same buffers, and whoever reads them comes later.
static int append_slabs(mlx_vector_array results, const mlx_array *slabs) {
  mlx_vector_array in = mlx_vector_array_new_data(slabs, 2), out = {NULL};
  int failed = mlx_depends(&out, in, results);
  for (size_t i = 0; i < 2 && !failed; i++) {
    mlx_array slab = {NULL};
    failed = mlx_vector_array_get(&slab, out, i) || mlx_vector_array_append_value(results, slab);
    mlx_array_free(slab);
  }
  mlx_vector_array_free(in);
  if (out.ctx) mlx_vector_array_free(out);
  return failed;
}

int32_t mxs_place_heads(mxs_tensor projected, mxs_optional gains, mxs_tensor angles, mxs_tensor offsets, mxs_tensor keys, mxs_tensor values,
                        int32_t heads, int32_t dims, int32_t traditional, double eps) {
  TENSOR_OR_CODE(projected);
  OPTIONAL_OR_CODE(gains);
  TENSOR_OR_CODE(angles);
  TENSOR_OR_CODE(offsets);
  TENSOR_OR_CODE(keys);
  TENSOR_OR_CODE(values);
  const int *in = mlx_array_shape(projected_), *slab = mlx_array_shape(keys_);
  const int kv_heads = slab[1];
  launch l = {
      .form = {&place_heads, mlx_array_dtype(projected_), {slab[3], heads, kv_heads, gains != 0, dims, traditional, bits_of(eps), WARPS}, 0},
      .blocks = {blocks(heads + 2 * kv_heads, WARPS), in[1], in[0]},
      .lanes = 32,
      .rows = WARPS,
  };
  set_output(&l, (int[]){in[0], heads, in[1], slab[3]}, 4, mlx_array_dtype(projected_));
  const mlx_array inputs[] = {projected_, gains ? gains_ : projected_, angles_, offsets_, keys_, values_};
  mlx_vector_array results = {NULL};
  int failed = apply_all(&results, &l, inputs, 6) || append_slabs(results, (mlx_array[]){keys_, values_});
  if (failed && results.ctx) mlx_vector_array_free(results);
  return mxs_born_list(failed, results, __func__);
}

// Positions that a block of attend-one.cuh takes together.
enum { PIECE = 256, STRANDS = 8 };

#define ATTEND_ONE(result)                                                                                                                           \
  "attend_one<T, D, GROUP, WINDOW, PIECE, SCALE>(" HEADS_OF("queries") ", " HEADS_OF("keys") ", " HEADS_OF("values") ", lengths, 0, " result ");\n"

static const kernel attend_whole = {
    .name = "attend_whole",
    .source = cuda_attend_one,
    .body = ATTEND_ONE("WholeResult<T>{out}"),
    .inputs = {"queries", "keys", "values", "lengths"},
    .outputs = {"out"},
    .constants = {"D", "GROUP", "WINDOW", "PIECE", "SCALE"},
    .strided = true,
};

static const kernel attend_pieces = {
    .name = "attend_pieces",
    .source = cuda_attend_one,
    .body = ATTEND_ONE("PieceResults{found, scales, (keys_shape[2] - 1) / PIECE + 1}"),
    .inputs = {"queries", "keys", "values", "lengths"},
    .outputs = {"found", "scales"},
    .constants = {"D", "GROUP", "WINDOW", "PIECE", "SCALE"},
    .strided = true,
};

static const kernel attend_merge = {
    .name = "attend_merge",
    .source = cuda_attend_merge,
    .body = "attend_merge<T, D, WINDOW, PIECE>(found, scales, lengths, 0, found_shape[2], out);\n",
    .inputs = {"found", "scales", "lengths"},
    .outputs = {"out"},
    .constants = {"D", "WINDOW", "PIECE"},
};

static int merge_pieces(mlx_array *result, mlx_vector_array parts, const mlx_array queries, const mlx_array lengths, int window) {
  mlx_array inputs[] = {{NULL}, {NULL}, lengths};
  const int *shape = mlx_array_shape(queries);
  launch l = {
      .form = {&attend_merge, mlx_array_dtype(queries), {shape[3], window, PIECE}, 0},
      .blocks = {1, shape[1], shape[0]},
      .lanes = shape[3] / 4,
      .rows = STRANDS,
  };
  set_output(&l, shape, 4, mlx_array_dtype(queries));
  int failed = mlx_vector_array_get(&inputs[0], parts, 0) || mlx_vector_array_get(&inputs[1], parts, 1) || apply(result, &l, inputs, 3);
  mlx_array_free(inputs[0]);
  mlx_array_free(inputs[1]);
  return failed;
}

mxs_tensor mxs_attend_one(mxs_tensor queries, mxs_tensor keys, mxs_tensor values, mxs_tensor lengths, int32_t window, double scale) {
  TENSOR(queries);
  TENSOR(keys);
  TENSOR(values);
  TENSOR(lengths);
  const int *q = mlx_array_shape(queries_), *k = mlx_array_shape(keys_);
  const int rows = q[0], heads = q[1], width = q[3], pieces = blocks(k[2], PIECE);
  const int most = window > 0 ? blocks(window, PIECE) + 1 : pieces; // pieces of a row
  launch l = {
      .form = {pieces == 1 ? &attend_whole : &attend_pieces, mlx_array_dtype(queries_), {width, heads / k[1], window, PIECE, bits_of(scale)}, 0},
      .blocks = {pieces < most ? pieces : most, k[1], rows},
      .lanes = 128,
      .rows = 1,
  };
  const mlx_array inputs[] = {queries_, keys_, values_, lengths_};
  if (pieces == 1) {
    set_output(&l, q, 4, mlx_array_dtype(queries_));
    RETURN(apply(&result, &l, inputs, 4));
  }
  set_output(&l, (int[]){rows, heads, pieces, width}, 4, MLX_FLOAT32);
  set_output(&l, (int[]){rows, heads, pieces, 2}, 4, MLX_FLOAT32);
  mlx_vector_array parts = {NULL};
  mlx_array result = {NULL};
  int failed = apply_all(&parts, &l, inputs, 4) || merge_pieces(&result, parts, queries_, lengths_, window);
  if (parts.ctx) mlx_vector_array_free(parts);
  return mxs_born(failed, result, __func__);
}

static const kernel attend_many = {
    .name = "attend_many",
    .source = cuda_attend_many,
    .body = "attend_many<T, D, WINDOW, true, SCALE, QUERIES, KEYS, TILES>(" HEADS_OF("queries") ", " HEADS_OF("keys") ", " HEADS_OF("values") ", "
            "{queries_shape[1], keys_shape[1], queries_shape[2], keys_shape[2]}, out);\n",
    .inputs = {"queries", "keys", "values"},
    .outputs = {"out"},
    .constants = {"D", "WINDOW", "SCALE", "QUERIES", "KEYS", "TILES"},
    .strided = true,
};

// A block of attend-many.cuh.
typedef struct {
  int queries, keys, tiles;
} many_shape;

// Large blocks read keys and values less often; small ones let a short pass occupy the whole device. Results do not depend on `queries` and `tiles`.
static many_shape shape_for(int width, int length, int heads) {
  enum { BUSY = 264 }; // blocks: two for each multiprocessor of a large device
  if (width > 128) return (many_shape){64, 32, 1};
  return blocks(length, 128) * heads >= BUSY ? (many_shape){128, 64, 2} : (many_shape){64, 64, 1};
}

mxs_tensor mxs_attend_many(mxs_tensor queries, mxs_tensor keys, mxs_tensor values, int32_t window, double scale) {
  TENSOR(queries);
  TENSOR(keys);
  TENSOR(values);
  const int *q = mlx_array_shape(queries_);
  const int rows = q[0], heads = q[1], length = q[2], width = q[3];
  const many_shape s = shape_for(width, length, rows * heads);
  const int shared_bytes = (s.queries + 4 * s.keys) * (width + 8) * 2; // ManyShape::BYTES
  launch l = {
      .form = {&attend_many, mlx_array_dtype(queries_), {width, window, bits_of(scale), s.queries, s.keys, s.tiles}, shared_bytes},
      .blocks = {blocks(length, s.queries), heads, rows},
      .lanes = s.queries / 16 / s.tiles * 32,
      .rows = 1,
  };
  set_output(&l, (int[]){rows, length, heads, width}, 4, mlx_array_dtype(queries_));
  RETURN(apply(&result, &l, (mlx_array[]){queries_, keys_, values_}, 3));
}

// Kernels of our own for MLX's CUDA back end. Their sources, in cuda/, are compiled when they are first used, once for each set of template
// arguments; MLX keeps what it compiled by name, also on disk, so a name ends in a hash of its source.

#include <stdio.h>
#include <string.h>

#include "arena.h"
#include "cuda-sources.h" // made by build.sh: cuda_ptx and one string for each other file in cuda/

#define MOST_INPUTS 8

typedef struct {
  const char *name;
  const char *source[2];           // functions, for behind ptx.cuh and attend-heads.cuh
  const char *body;                // of the kernel: calls one of them
  const char *inputs[MOST_INPUTS]; // their names in the body
  const char *outputs[2];
  bool strided; // inputs may be views; for others MLX makes copies of those
  int shared_bytes;
  mlx_fast_cuda_kernel made; // once it was needed
} kernel;

// One call of a kernel: its template arguments, grid and outputs are collected here. What fails is noticed when it is applied.
typedef struct {
  mlx_fast_cuda_kernel_config config;
  int failed;
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

static int make(kernel *k) {
  static char header[65536];
  if (k->made.ctx) return 0;
  char name[64];
  snprintf(header, sizeof header, "%s%s%s%s", cuda_ptx, cuda_attend_heads, k->source[0], k->source[1] ? k->source[1] : "");
  snprintf(name, sizeof name, "%s_%08x", k->name, hash(hash(2166136261u, header), k->body));
  mlx_vector_string inputs = names(k->inputs, MOST_INPUTS), outputs = names(k->outputs, 2);
  k->made = mlx_fast_cuda_kernel_new(name, inputs, outputs, k->body, header, !k->strided, k->shared_bytes);
  mlx_vector_string_free(inputs);
  mlx_vector_string_free(outputs);
  return k->made.ctx == NULL;
}

typedef struct {
  int x, y, z;
} size3;

static launch begin(size3 blocks, int lanes, int rows) { // of threads in a block
  launch l = {mlx_fast_cuda_kernel_config_new(), 0};
  l.failed = mlx_fast_cuda_kernel_config_set_grid(l.config, blocks.x * lanes, blocks.y * rows, blocks.z) || // MLX counts threads
             mlx_fast_cuda_kernel_config_set_thread_group(l.config, lanes, rows, 1);
  return l;
}

static void number(launch *l, const char *name, int value) {
  l->failed = l->failed || mlx_fast_cuda_kernel_config_add_template_arg_int(l->config, name, value);
}

// A float travels as the whole number that has its bits; it is positive, for the number becomes part of the kernel's name.
static void bits_of(launch *l, const char *name, double value) {
  union {
    float number;
    int bits;
  } cell = {.number = (float)value};
  number(l, name, cell.bits);
}

static void type(launch *l, const char *name, mlx_dtype value) {
  l->failed = l->failed || mlx_fast_cuda_kernel_config_add_template_arg_dtype(l->config, name, value);
}

static void output(launch *l, const int *shape, size_t rank, mlx_dtype dtype) {
  l->failed = l->failed || mlx_fast_cuda_kernel_config_add_output_arg(l->config, shape, rank, dtype);
}

// Applies a kernel and ends the launch.
static int apply_all(mlx_vector_array *results, kernel *k, launch *l, const mlx_array *inputs, size_t count) {
  mlx_vector_array in = mlx_vector_array_new_data(inputs, count);
  int failed = l->failed || make(k) || mlx_fast_cuda_kernel_apply(results, k->made, in, l->config, mxs_stream);
  mlx_fast_cuda_kernel_config_free(l->config);
  mlx_vector_array_free(in);
  return failed;
}

static int apply(mlx_array *result, kernel *k, launch *l, const mlx_array *inputs, size_t count) {
  mlx_vector_array results = {NULL};
  int failed = apply_all(&results, k, l, inputs, count) || mlx_vector_array_get(result, results, 0);
  if (results.ctx) mlx_vector_array_free(results);
  return failed;
}

static int blocks(int count, int size) { return (count + size - 1) / size; }

int32_t mxs_own_kernels(void) {
  size_t major = 0;
  bool known = false;
  mlx_device device = mlx_device_new();
  mlx_device_info info = mlx_device_info_new();
  if (mlx_get_default_device(&device) == 0 && mlx_device_info_get(&info, device) == 0 &&
      mlx_device_info_has_key(&known, info, "compute_capability_major") == 0 && known) {
    mlx_device_info_get_size(&major, info, "compute_capability_major");
  }
  mlx_device_info_free(info);
  mlx_device_free(device);
  mxs_forget_error();
  return major >= 8; // the first with tensor cores for bfloat16
}

// Products with a packed matrix --------------------------------------------------------------------------------

enum { WARPS = 8 };

static kernel packed_matmul = {
    .name = "packed_matmul",
    .source = {cuda_qmm},
    .body = "int rows = 1;\n"
            "for (int i = 0; i < x_ndim - 1; i++) rows *= x_shape[i];\n"
            "quantized_matmul<T, BITS, GROUP, TILES, SPLIT>(x, w, scales, biases, out, rows, w_shape[0], x_shape[x_ndim - 1]);\n",
    .inputs = {"x", "w", "scales", "biases"},
    .outputs = {"out"},
};

mxs_tensor mxs_packed_matmul(mxs_tensor x, mxs_tensor w, mxs_tensor scales, mxs_tensor biases, int32_t group_size, int32_t bits) {
  TENSOR(x);
  TENSOR(w);
  TENSOR(scales);
  TENSOR(biases);
  int shape[8];
  const size_t rank = mlx_array_ndim(x_);
  if (rank < 1 || rank > 8) return mxs_fail(__func__, "x has %zu axes", rank);
  memcpy(shape, mlx_array_shape(x_), rank * sizeof *shape);
  const int outputs = shape[rank - 1] = mlx_array_shape(w_)[0];
  const int rows = (int)(mlx_array_size(x_) / (size_t)mlx_array_shape(x_)[rank - 1]);
  const int tiles = rows <= 8 ? 1 : rows <= 16 ? 2 : 4;
  const int split = outputs <= 8192 ? WARPS : WARPS / 4; // warps per output: few outputs would leave most of the device idle
  launch l = begin((size3){blocks(outputs, 16 * WARPS / split), blocks(rows, 8 * tiles), 1}, 32 * WARPS, 1);
  type(&l, "T", mlx_array_dtype(x_));
  number(&l, "BITS", bits);
  number(&l, "GROUP", group_size);
  number(&l, "TILES", tiles);
  number(&l, "SPLIT", split);
  output(&l, shape, rank, mlx_array_dtype(x_));
  const mlx_array inputs[] = {x_, w_, scales_, biases_};
  RETURN(apply(&result, &packed_matmul, &l, inputs, 4));
}

// Attention ----------------------------------------------------------------------------------------------------

#define HEADS_OF(name) "Heads<T>{" name ", " name "_strides[0], " name "_strides[1], " name "_strides[2]}"

static kernel place_heads = {
    .name = "place_heads",
    .source = {cuda_place},
    .body = "place_heads<T, D, HEADS, KV_HEADS, NORM != 0, DIMS, TRADITIONAL != 0, EPS, WARPS>({projected, projected_strides[0], D, "
            "projected_strides[1]}, gains, angles, offsets, queries, " HEADS_OF("keys") ", " HEADS_OF("values") ");\n",
    .inputs = {"projected", "gains", "angles", "offsets", "keys", "values"},
    .outputs = {"queries"},
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
  launch l = begin((size3){blocks(heads + 2 * kv_heads, WARPS), in[1], in[0]}, 32, WARPS);
  type(&l, "T", mlx_array_dtype(projected_));
  number(&l, "D", slab[3]);
  number(&l, "HEADS", heads);
  number(&l, "KV_HEADS", kv_heads);
  number(&l, "NORM", gains != 0);
  number(&l, "DIMS", dims);
  number(&l, "TRADITIONAL", traditional);
  bits_of(&l, "EPS", eps);
  number(&l, "WARPS", WARPS);
  output(&l, (int[]){in[0], heads, in[1], slab[3]}, 4, mlx_array_dtype(projected_));
  const mlx_array inputs[] = {projected_, gains ? gains_ : projected_, angles_, offsets_, keys_, values_};
  mlx_vector_array results = {NULL};
  int failed = apply_all(&results, &place_heads, &l, inputs, 6) || append_slabs(results, (mlx_array[]){keys_, values_});
  if (failed && results.ctx) mlx_vector_array_free(results);
  return mxs_born_list(failed, results, __func__);
}

// Positions that a block of attend-one.cuh takes together.
enum { PIECE = 256, STRANDS = 8 };

#define ATTEND_ONE(result)                                                                                                                           \
  "attend_one<T, D, GROUP, WINDOW, PIECE, SCALE>(" HEADS_OF("queries") ", " HEADS_OF("keys") ", " HEADS_OF("values") ", lengths, 0, " result ");\n"

static kernel attend_whole = {
    .name = "attend_whole",
    .source = {cuda_attend_one},
    .body = ATTEND_ONE("WholeResult<T>{out}"),
    .inputs = {"queries", "keys", "values", "lengths"},
    .outputs = {"out"},
    .strided = true,
};

static kernel attend_pieces = {
    .name = "attend_pieces",
    .source = {cuda_attend_one},
    .body = ATTEND_ONE("PieceResults{found, scales, (keys_shape[2] - 1) / PIECE + 1}"),
    .inputs = {"queries", "keys", "values", "lengths"},
    .outputs = {"found", "scales"},
    .strided = true,
};

static kernel attend_merge = {
    .name = "attend_merge",
    .source = {cuda_attend_merge},
    .body = "attend_merge<T, D, WINDOW, PIECE>(found, scales, lengths, 0, found_shape[2], out);\n",
    .inputs = {"found", "scales", "lengths"},
    .outputs = {"out"},
};

// queries [B, heads, 1, D], keys [B, kv heads, positions, D].
static launch begin_attention(size3 blocks, int lanes, int rows, const mlx_array queries, int window) {
  launch l = begin(blocks, lanes, rows);
  type(&l, "T", mlx_array_dtype(queries));
  number(&l, "D", mlx_array_shape(queries)[3]);
  number(&l, "WINDOW", window);
  return l;
}

static int merge_pieces(mlx_array *result, mlx_vector_array parts, const mlx_array queries, const mlx_array lengths, int window) {
  mlx_array inputs[] = {{NULL}, {NULL}, lengths};
  const int *shape = mlx_array_shape(queries);
  launch l = begin_attention((size3){1, shape[1], shape[0]}, shape[3] / 4, STRANDS, queries, window);
  number(&l, "PIECE", PIECE);
  output(&l, shape, 4, mlx_array_dtype(queries));
  l.failed = l.failed || mlx_vector_array_get(&inputs[0], parts, 0) || mlx_vector_array_get(&inputs[1], parts, 1);
  int failed = apply(result, &attend_merge, &l, inputs, 3);
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
  launch l = begin_attention((size3){pieces < most ? pieces : most, k[1], rows}, 128, 1, queries_, window);
  number(&l, "GROUP", heads / k[1]);
  number(&l, "PIECE", PIECE);
  bits_of(&l, "SCALE", scale);
  const mlx_array inputs[] = {queries_, keys_, values_, lengths_};
  if (pieces == 1) {
    output(&l, q, 4, mlx_array_dtype(queries_));
    RETURN(apply(&result, &attend_whole, &l, inputs, 4));
  }
  output(&l, (int[]){rows, heads, pieces, width}, 4, MLX_FLOAT32);
  output(&l, (int[]){rows, heads, pieces, 2}, 4, MLX_FLOAT32);
  mlx_vector_array parts = {NULL};
  mlx_array result = {NULL};
  int failed = apply_all(&parts, &attend_pieces, &l, inputs, 4) || merge_pieces(&result, parts, queries_, lengths_, window);
  if (parts.ctx) mlx_vector_array_free(parts);
  return mxs_born(failed, result, __func__);
}

// A block of attend-many.cuh; its kernel is made for the shared memory that this needs.
typedef struct {
  int queries, keys, tiles;
} many_shape;

// Large blocks read keys and values less often; small ones let a short pass occupy the whole device. Results do not depend on `queries` and `tiles`.
static many_shape shape_for(int width, int length, int heads) {
  enum { BUSY = 264 }; // blocks: two for each multiprocessor of a large device
  if (width > 128) return (many_shape){64, 32, 1};
  return blocks(length, 128) * heads >= BUSY ? (many_shape){128, 64, 2} : (many_shape){64, 64, 1};
}

static kernel *many_kernel(many_shape shape, int width) {
  static kernel made[16];
  const int bytes = (shape.queries + 4 * shape.keys) * (width + 8) * 2;
  kernel *k = made;
  while (k->shared_bytes != 0 && k->shared_bytes != bytes) k++;
  if (k->shared_bytes == 0) {
    *k = (kernel){
        .name = "attend_many",
        .source = {cuda_attend_many},
        .body = "attend_many<T, D, WINDOW, true, SCALE, QUERIES, KEYS, TILES>(" HEADS_OF("queries") ", " HEADS_OF("keys") ", " HEADS_OF("values") ", "
                "{queries_shape[1], keys_shape[1], queries_shape[2], keys_shape[2]}, out);\n",
        .inputs = {"queries", "keys", "values"},
        .outputs = {"out"},
        .strided = true,
        .shared_bytes = bytes,
    };
  }
  return k;
}

mxs_tensor mxs_attend_many(mxs_tensor queries, mxs_tensor keys, mxs_tensor values, int32_t window, double scale) {
  TENSOR(queries);
  TENSOR(keys);
  TENSOR(values);
  const int *q = mlx_array_shape(queries_);
  const int rows = q[0], heads = q[1], length = q[2], width = q[3];
  const many_shape shape = shape_for(width, length, rows * heads);
  launch l = begin_attention((size3){blocks(length, shape.queries), heads, rows}, shape.queries / 16 / shape.tiles * 32, 1, queries_, window);
  bits_of(&l, "SCALE", scale);
  number(&l, "QUERIES", shape.queries);
  number(&l, "KEYS", shape.keys);
  number(&l, "TILES", shape.tiles);
  output(&l, (int[]){rows, length, heads, width}, 4, mlx_array_dtype(queries_));
  const mlx_array inputs[] = {queries_, keys_, values_};
  RETURN(apply(&result, many_kernel(shape, width), &l, inputs, 3));
}

// Safetensors files. Loading is lazy: a tensor is read from the file when something first needs its values.

#include "arena.h"

static mlx_map_string_to_array loaded;
static mlx_map_string_to_array_iterator position;

// Null outside of mxs_save_begin … mxs_save_safetensors; then mlx-c refuses them with an error.
static mlx_map_string_to_array saved;
static mlx_map_string_to_string saved_metadata;

static void close_loaded(void) {
  if (position.ctx) mlx_map_string_to_array_iterator_free(position);
  if (loaded.ctx) mlx_map_string_to_array_free(loaded);
  position.ctx = NULL;
  loaded.ctx = NULL;
}

static int32_t count_loaded(void) {
  mlx_map_string_to_array_iterator it = mlx_map_string_to_array_iterator_new(loaded);
  const char *name;
  mlx_array item = {NULL};
  int32_t count = 0;
  while (mlx_map_string_to_array_iterator_next(&name, &item, it) == 0) count++;
  mlx_array_free(item);
  mlx_map_string_to_array_iterator_free(it);
  return count;
}

// Reading a file is a CPU operation in MLX's Metal back end; CUDA has its own.
static mlx_stream load_stream(void) {
  bool cuda = false;
  mlx_cuda_is_available(&cuda);
  mxs_forget_error();
  return mxs_compiles && !cuda ? mlx_default_cpu_stream_new() : mxs_stream;
}

int32_t mxs_load_safetensors(const char *path) {
  close_loaded();
  mlx_map_string_to_string metadata = {NULL};
  mlx_stream stream = load_stream();
  int failed = mlx_load_safetensors(&loaded, &metadata, path, stream);
  if (stream.ctx != mxs_stream.ctx) mlx_stream_free(stream);
  if (metadata.ctx) mlx_map_string_to_string_free(metadata);
  if (failed) return mxs_fail_code(__func__);
  position = mlx_map_string_to_array_iterator_new(loaded);
  return count_loaded();
}

const char *mxs_load_next(void) {
  const char *name = NULL;
  mlx_array item = {NULL};
  if (!loaded.ctx || mlx_map_string_to_array_iterator_next(&name, &item, position) != 0) {
    close_loaded();
    return NULL;
  }
  mxs_lists[0] = (int32_t)mxs_born_kept(item, __func__);
  return name;
}

int32_t mxs_save_begin(void) {
  if (saved.ctx) mlx_map_string_to_array_free(saved);
  if (saved_metadata.ctx) mlx_map_string_to_string_free(saved_metadata);
  saved = mlx_map_string_to_array_new();
  saved_metadata = mlx_map_string_to_string_new();
  return saved.ctx && saved_metadata.ctx ? 0 : mxs_fail_code(__func__);
}

int32_t mxs_save_tensor(const char *name, mxs_tensor a) {
  TENSOR_OR_CODE(a);
  return mlx_map_string_to_array_insert(saved, name, a_) ? mxs_fail_code(__func__) : 0;
}

int32_t mxs_save_metadata(const char *key, const char *value) {
  return mlx_map_string_to_string_insert(saved_metadata, key, value) ? mxs_fail_code(__func__) : 0;
}

int32_t mxs_save_safetensors(const char *path) {
  int failed = mlx_save_safetensors(path, saved, saved_metadata);
  mlx_map_string_to_array_free(saved);
  mlx_map_string_to_string_free(saved_metadata);
  saved.ctx = NULL;
  saved_metadata.ctx = NULL;
  return failed ? mxs_fail_code(__func__) : 0;
}

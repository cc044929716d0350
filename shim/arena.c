// Handles, scopes and the last error.
//
// A slot holds one reference to an MLX array. Freeing it raises its generation, so that old handles no longer match. Free slots are
// reused in order of their release, and only when there are many: a stale handle is recognised for millions of further births.

#include "arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOT_BITS 20
#define SLOTS (1u << SLOT_BITS)
#define SLOT_MASK (SLOTS - 1)
#define GENERATIONS (1u << (32 - SLOT_BITS))
#define RESERVE 1024 // free slots to have before one is reused
#define DEPTH 64

typedef struct {
  mlx_array array; // null context: free
  uint32_t next;   // in the queue of free slots
  uint16_t generation;
  bool kept;
  bool escapes; // only while mxs_scope_pop runs
} slot;

static slot slots[SLOTS];
static uint32_t used = 0; // slots ever taken
static uint32_t free_first, free_last, free_count = 0;
static int32_t live = 0;

// Handles in order of birth; scope i owns born[starts[i]] up to the start of scope i + 1.
static mxs_tensor *born = NULL;
static size_t born_count = 0, born_capacity = 0;
static size_t starts[DEPTH];
static int32_t depth = 0;

static char mlx_message[2048];
static char message[4096];

int32_t mxs_lists[MXS_SCRATCH];

// mlx-c reports every caught exception here. This replaces mlx-c's own error.cpp, which prints and exits the process unless told
// otherwise, and which takes exception texts for printf formats. The first text stands: what follows it only says that a closure failed.
void _mlx_error(const char *file, const int line, const char *text, ...) {
  (void)file;
  (void)line;
  if (!mlx_message[0]) snprintf(mlx_message, sizeof mlx_message, "%s", text);
}

static const char *without_prefix(const char *op) { return strncmp(op, "mxs_", 4) == 0 ? op + 4 : op; }

mxs_tensor mxs_fail(const char *op, const char *format, ...) {
  int length = snprintf(message, sizeof message, "%s: ", without_prefix(op));
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message + length, sizeof message - (size_t)length, format, arguments);
  va_end(arguments);
  return 0;
}

int32_t mxs_fail_code(const char *op) {
  mxs_fail(op, "%s", mlx_message[0] ? mlx_message : "failed without a message");
  mxs_forget_error();
  return -1;
}

void mxs_forget_error(void) { mlx_message[0] = 0; }

const char *mxs_last_error(void) { return message; }
void *mxs_scratch(void) { return mxs_lists; }
int32_t mxs_live(void) { return live; }

static slot *find(mxs_tensor handle) {
  slot *s = &slots[handle & SLOT_MASK];
  return s->array.ctx && s->generation == handle >> SLOT_BITS ? s : NULL;
}

static bool stale(mxs_tensor handle, const char *op, const char *argument) {
  if (handle == 0) return mxs_fail(op, "%s is no tensor", argument), false;
  uint32_t number = handle & SLOT_MASK, generation = handle >> SLOT_BITS;
  mxs_fail(op, "%s is not alive (slot %u, generation %u): its scope has ended, or it was released", argument, number, generation);
  return false;
}

bool mxs_find(mxs_tensor handle, mlx_array *out, const char *op, const char *argument) {
  slot *s = find(handle);
  if (!s) return stale(handle, op, argument);
  *out = s->array;
  return true;
}

bool mxs_find_optional(mxs_optional handle, mlx_array *out, const char *op, const char *argument) {
  *out = (mlx_array){NULL};
  return handle == 0 || mxs_find(handle, out, op, argument);
}

bool mxs_list_fits(int32_t length, const char *op) {
  if (length <= MXS_SCRATCH) return true;
  return mxs_fail(op, "a list of %d does not fit", length), false;
}

bool mxs_find_list(int32_t count, mlx_vector_array *out, const char *op) {
  if (!mxs_list_fits(count, op)) return false;
  *out = mlx_vector_array_new();
  for (int32_t i = 0; i < count; i++) {
    slot *s = find((mxs_tensor)mxs_lists[i]);
    if (s && mlx_vector_array_append_value(*out, s->array) == 0) continue;
    mlx_vector_array_free(*out);
    if (s) return mxs_fail_code(op), false;
    char name[32];
    snprintf(name, sizeof name, "tensor %d of %d", i + 1, count);
    return stale((mxs_tensor)mxs_lists[i], op, name);
  }
  return true;
}

static slot *take_slot(const char *op) {
  if (free_count > RESERVE || (used == SLOTS && free_count > 0)) {
    slot *s = &slots[free_first];
    free_first = s->next;
    free_count--;
    return s;
  }
  if (used == SLOTS) return mxs_fail(op, "%u tensors are alive, which is the limit", SLOTS), NULL;
  slots[used].generation = 1;
  return &slots[used++];
}

static void free_slot(slot *s) {
  mlx_array_free(s->array);
  s->array.ctx = NULL;
  s->kept = false;
  s->generation = s->generation + 1u == GENERATIONS ? 1 : (uint16_t)(s->generation + 1);
  uint32_t index = (uint32_t)(s - slots);
  if (free_count == 0) free_first = index;
  else slots[free_last].next = index;
  free_last = index;
  free_count++;
  live--;
}

static mxs_tensor occupy(slot *s, mlx_array array) {
  s->array = array;
  live++;
  return (mxs_tensor)s->generation << SLOT_BITS | (uint32_t)(s - slots);
}

static bool make_room(const char *op) {
  if (born_count < born_capacity) return true;
  size_t capacity = born_capacity ? born_capacity * 2 : 4096;
  mxs_tensor *grown = realloc(born, capacity * sizeof *born);
  if (!grown) return mxs_fail(op, "out of memory"), false;
  born = grown;
  born_capacity = capacity;
  return true;
}

mxs_tensor mxs_born(int failed, mlx_array result, const char *op) {
  if (failed) return mxs_fail_code(op), 0;
  slot *s = NULL;
  if (depth == 0) mxs_fail(op, "no open scope");
  else if (make_room(op)) s = take_slot(op);
  if (!s) return mlx_array_free(result), 0;
  return born[born_count++] = occupy(s, result);
}

int32_t mxs_born_list(int failed, mlx_vector_array results, const char *op) {
  if (failed) return mxs_fail_code(op);
  int32_t count = (int32_t)mlx_vector_array_size(results);
  for (int32_t i = 0; i < count; i++) {
    mlx_array item = {NULL};
    int missing = mlx_vector_array_get(&item, results, (size_t)i);
    mxs_tensor handle = mxs_born(missing, item, op);
    mxs_lists[i] = (int32_t)handle;
    if (handle == 0) count = -1;
  }
  mlx_vector_array_free(results);
  return count;
}

mxs_tensor mxs_born_kept(mlx_array result, const char *op) {
  slot *s = take_slot(op);
  if (!s) return mlx_array_free(result), 0;
  s->kept = true;
  return occupy(s, result);
}

int32_t mxs_scope_push(void) {
  if (depth == DEPTH) return mxs_fail(__func__, "scopes are nested %d deep, which is the limit", DEPTH), -1;
  starts[depth++] = born_count;
  return depth;
}

int32_t mxs_scope_pop(int32_t mark, int32_t results) {
  if (mark < 1 || mark > depth) return mxs_fail(__func__, "no open scope has the mark %d", mark), -1;
  if (!mxs_list_fits(results, __func__)) return -1;
  for (int32_t i = 0; i < results; i++) {
    slot *s = find((mxs_tensor)mxs_lists[i]);
    if (s) s->escapes = mark > 1;
  }
  depth = mark - 1;
  size_t end = born_count;
  born_count = starts[depth];
  for (size_t i = born_count; i < end; i++) {
    slot *s = find(born[i]);
    if (!s || s->kept) continue;
    if (s->escapes) born[born_count++] = born[i];
    else free_slot(s);
  }
  for (int32_t i = 0; i < results; i++) {
    slot *s = find((mxs_tensor)mxs_lists[i]);
    if (s) s->escapes = false;
  }
  return 0;
}

int32_t mxs_keep(mxs_tensor a) {
  slot *s = find(a);
  if (!s) return stale(a, __func__, "a") - 1;
  s->kept = true;
  return 0;
}

int32_t mxs_release(mxs_tensor a) {
  slot *s = find(a);
  if (!s) return stale(a, __func__, "a") - 1;
  free_slot(s);
  return 0;
}

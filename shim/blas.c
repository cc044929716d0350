// Dense float32 products for MLX's CPU back end on Linux. MLX's wheel brings the reference BLAS, which works on one number at a
// time; libmlx finds this cblas_sgemm first, because it looks symbols up in the library that was opened, which is the shim.
//
// Every number of C is one sum along k, from the first to the last, whatever M, N, its place in C and the matrices' layouts are:
// a row gives the same bits alone, among others, and with zeros behind the last k (test/mx/blas.test.ts).
#ifdef __linux__
#include <stddef.h>
#include <stdlib.h>

enum { ROW_MAJOR = 101, TRANSPOSED = 112 }; // of cblas.h
enum { ROWS = 4, LANES = 8, VECTORS = 4, COLUMNS = VECTORS * LANES, STACK_K = 512 };

typedef float Lanes __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));

typedef struct {
  ptrdiff_t m, n, k;
  float alpha, beta;
  const float *a, *b;
  ptrdiff_t a_row, a_k, b_k, b_column; // steps in memory
  float *c;
  ptrdiff_t ldc;
} Product;

/** COLUMNS columns of B, those behind the last one filled with zeros; `step` from one k to the next. */
typedef struct {
  const float *b;
  ptrdiff_t step, column, width;
} Panel;

#define INLINE static inline __attribute__((always_inline))

INLINE void tile(const Product *p, Panel panel, ptrdiff_t row, ptrdiff_t rows) {
  Lanes sums[ROWS][VECTORS] = {0};
  const float *a = p->a + row * p->a_row, *b = panel.b;
  for (ptrdiff_t k = 0; k < p->k; k++, a += p->a_k, b += panel.step)
    for (ptrdiff_t r = 0; r < rows; r++)
      for (ptrdiff_t v = 0; v < VECTORS; v++) sums[r][v] += a[r * p->a_row] * *(const Lanes *)(b + v * LANES);
  for (ptrdiff_t r = 0; r < rows; r++) {
    float *c = p->c + (row + r) * p->ldc + panel.column;
    for (ptrdiff_t j = 0; j < panel.width; j++) {
      const float scaled = p->alpha * sums[r][j / LANES][j % LANES];
      c[j] = p->beta == 0 ? scaled : scaled + p->beta * c[j];
    }
  }
}

typedef int Places __attribute__((vector_size(LANES * sizeof(int))));

INLINE void exchange(Lanes square[LANES], const int apart) {
  const Places index = {0, 1, 2, 3, 4, 5, 6, 7};
  const Places low = index + (((index & apart) != 0) & (LANES - apart));
  for (int i = 0; i < LANES; i++) {
    if (i & apart) continue;
    const Lanes first = square[i], second = square[i + apart];
    square[i] = __builtin_shuffle(first, second, low);
    square[i + apart] = __builtin_shuffle(first, second, low + apart);
  }
}

// Turns a square of LANES vectors: numbers change places between neighbours, then between vectors two and four apart.
INLINE void turn(Lanes square[LANES]) {
  exchange(square, 1);
  exchange(square, 2);
  exchange(square, 4);
}

INLINE void pack(const Product *p, ptrdiff_t column, ptrdiff_t width, float *to) {
  ptrdiff_t k = 0;
  const float *b = p->b + column * p->b_column;
  if (p->b_k == 1 && width == COLUMNS)
    for (; k + LANES <= p->k; k += LANES)
      for (ptrdiff_t j = 0; j < COLUMNS; j += LANES) {
        Lanes square[LANES];
        for (int i = 0; i < LANES; i++) square[i] = *(const Lanes *)(b + (j + i) * p->b_column + k);
        turn(square);
        for (int i = 0; i < LANES; i++) *(Lanes *)(to + (k + i) * COLUMNS + j) = square[i];
      }
  for (; k < p->k; k++)
    for (ptrdiff_t j = 0; j < COLUMNS; j++) to[k * COLUMNS + j] = j < width ? b[k * p->b_k + j * p->b_column] : 0;
}

INLINE void product(const Product *p, float *packed) {
  for (ptrdiff_t j = 0; j < p->n; j += COLUMNS) {
    Panel panel = {p->b + j, p->b_k, j, p->n - j < COLUMNS ? p->n - j : COLUMNS};
    if (p->b_column != 1 || panel.width < COLUMNS) {
      pack(p, j, panel.width, packed);
      panel.b = packed;
      panel.step = COLUMNS;
    }
    ptrdiff_t i = 0;
    for (; i + ROWS <= p->m; i += ROWS) tile(p, panel, i, ROWS);
    for (; i < p->m; i++) tile(p, panel, i, 1);
  }
}

#define FAST optimize("O3", "fp-contract=fast")

__attribute__((FAST)) static void product_anywhere(const Product *p, float *packed) { product(p, packed); }

#ifdef __x86_64__
__attribute__((FAST, target("avx2,fma"))) static void product_avx2(const Product *p, float *packed) { product(p, packed); }
#endif

static void multiply(const Product *p, float *packed) {
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return product_avx2(p, packed);
#endif
  product_anywhere(p, packed);
}

/** C := alpha A B + beta C, the CBLAS function of that name, for row-major matrices. */
__attribute__((visibility("default"))) void cblas_sgemm(int order, int trans_a, int trans_b, int m, int n, int k, float alpha, const float *a, int lda,
                                                        const float *b, int ldb, float beta, float *c, int ldc) {
  if (order != ROW_MAJOR) abort(); // MLX never asks for the other
  const int turned_a = trans_a == TRANSPOSED, turned_b = trans_b == TRANSPOSED;
  const Product p = {m, n, k, alpha, beta, a, b, turned_a ? 1 : lda, turned_a ? lda : 1, turned_b ? 1 : ldb, turned_b ? ldb : 1, c, ldc};
  if (k <= STACK_K) {
    float packed[STACK_K * COLUMNS];
    return multiply(&p, packed);
  }
  float *packed = malloc((size_t)k * COLUMNS * sizeof(float));
  if (packed == NULL) abort(); // a CBLAS function has no way to say so
  multiply(&p, packed);
  free(packed);
}
#endif

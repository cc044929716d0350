// Attention of many new positions per row (prefill): flash attention, as in Dao 2023, "FlashAttention-2", on tensor cores.
//
// Query i sits at position keys - length + i and sees what is not behind it; through a window, the last WINDOW positions of that.
//
//             key tiles of KEYS positions
//             ├────┼────┼────┼────┤
//   QUERIES │ ▓▓▓▓ ▓▓▓▓ ▓▓▒░            A block takes QUERIES queries of one head, a warp 16 TILES of these. Over tiles of keys it keeps, of
//   QUERIES │ ▓▓▓▓ ▓▓▓▓ ▓▓▓▓ ▒░         each query, the largest product, the sum of weights and the weighted sum of values: in registers.
//
// Tiles that no query of a warp sees are left out, which changes no number, and tiles are cut at multiples of KEYS. So a query's result
// depends neither on other rows nor on the chunk that it comes in.
//
// While a tile is worked on, the next is copied to shared memory. Its rows are 16 bytes longer than a head: 8 rows of a matrix then lie in
// different banks.
#pragma once
#include "attend-heads.cuh"
#include "ptx.cuh"

template <int D, int QUERIES, int KEYS, int TILES>
struct ManyShape {
  static constexpr int THREADS = QUERIES / (16 * TILES) * 32;
  static constexpr int ROW = D + 8; // of shared memory
  static constexpr int BYTES = (QUERIES + 4 * KEYS) * ROW * 2;
  static_assert(D % 16 == 0 && KEYS % 16 == 0 && QUERIES % (16 * TILES) == 0);
};

/** Where a lane's row of four matrices begins that lie as [2, 2]: `down` and `right` give the step to the second row and column of a lane's matrix. */
template <typename T, int ROW>
__device__ inline const T* matrix_row(const T* corner, int down, int right) {
  return corner + (threadIdx.x % 8 + 8 * down) * ROW + 8 * right;
}

/** A thread's part of copying ROWS positions at a time to shared memory: of every STEP-th, one load. */
template <typename T, int D, int ROWS, int THREADS>
struct RowCopy {
  static constexpr int CHUNKS = D / 8, LANES = D <= 64 ? 8 : D <= 128 ? 16 : 32, STEP = THREADS / LANES;
  static_assert(ROWS % STEP == 0 && CHUNKS <= LANES);
  const T* from; // in the next position that the thread copies
  const int64_t further; // to the one after it
  const int row = threadIdx.x / LANES, chunk = threadIdx.x % LANES;

  __device__ RowCopy(const Heads<T>& heads, int first) : further(STEP * heads.position) { from = heads[first + row] + 8 * chunk; }

  /** Begins to copy the next rows, of which `present` are there; the others become zeros. */
  __device__ void next(T* to, int present) {
#pragma unroll
    for (int i = row; i < row + ROWS; i += STEP, from += further)
      if (chunk < CHUNKS) cp_async_16(to + i * (D + 8) + 8 * chunk, from, i < present);
  }
};

/** A warp's 16 TILES queries. Of each 16, a lane keeps numbers of the queries lane / 4 and the one 8 further. */
template <typename T, int D, int KEYS, int TILES>
struct ManyQueries {
  static constexpr int ROW = D + 8;
  float found[TILES][D / 8][4];    // weighted values: numbers 2 (lane % 4) and the next of each 8, of both queries
  float products[TILES][KEYS / 8][4]; // with the tile's keys, likewise; then weights
  float top[TILES][2], sum[TILES][2]; // largest product; this lane's part of the sum of weights
  int position;                    // of the first query

  __device__ void begin(int at) {
    position = at;
#pragma unroll
    for (int tile = 0; tile < TILES; tile++) {
      top[tile][0] = top[tile][1] = minus_infinity();
      sum[tile][0] = sum[tile][1] = 0;
#pragma unroll
      for (int i = 0; i < D / 8; i++) found[tile][i][0] = found[tile][i][1] = found[tile][i][2] = found[tile][i][3] = 0;
    }
  }

  __device__ int last() const { return position + 16 * TILES - 1; }
  __device__ int position_of(int tile, int half) const { return position + 16 * tile + 8 * half + threadIdx.x % 32 / 4; }

  /** products = queries · keysᵀ */
  __device__ void multiply_keys(const T* queries, const T* keys) {
    const int matrix = threadIdx.x % 32 / 8;
#pragma unroll
    for (int tile = 0; tile < TILES; tile++)
#pragma unroll
      for (int i = 0; i < KEYS / 8; i++) products[tile][i][0] = products[tile][i][1] = products[tile][i][2] = products[tile][i][3] = 0;
#pragma unroll
    for (int step = 0; step < D / 16; step++) {
      uint32_t left[TILES][4];
#pragma unroll
      for (int tile = 0; tile < TILES; tile++) ldmatrix_x4(left[tile], matrix_row<T, ROW>(queries + 16 * tile * ROW + 16 * step, matrix % 2, matrix / 2));
#pragma unroll
      for (int i = 0; i < KEYS / 16; i++) {
        uint32_t right[4];
        ldmatrix_x4(right, matrix_row<T, ROW>(keys + 16 * i * ROW + 16 * step, matrix / 2, matrix % 2));
#pragma unroll
        for (int tile = 0; tile < TILES; tile++) {
          mma_16816(products[tile][2 * i], left[tile], {right[0], right[1]}, T());
          mma_16816(products[tile][2 * i + 1], left[tile], {right[2], right[3]}, T());
        }
      }
    }
  }

  /** Hides what queries do not see of the keys from position `first` on, of which there are none behind `end`. */
  template <int WINDOW>
  __device__ void mask(int first, int end) {
    if (first + KEYS - 1 <= position && first + KEYS <= end && (WINDOW == 0 || first > last() - WINDOW)) return; // all see all
#pragma unroll
    for (int tile = 0; tile < TILES; tile++)
#pragma unroll
      for (int i = 0; i < KEYS / 8; i++)
#pragma unroll
        for (int j = 0; j < 4; j++) {
          const int key = first + 8 * i + threadIdx.x % 4 * 2 + j % 2, query = position_of(tile, j / 2);
          if (key > query || key >= end || (WINDOW > 0 && key <= query - WINDOW)) products[tile][i][j] = minus_infinity();
        }
  }

  /** products become weights, scaled to the largest product so far; sums are scaled to it as well. */
  __device__ void weigh(float scale) {
#pragma unroll
    for (int tile = 0; tile < TILES; tile++)
#pragma unroll
      for (int half = 0; half < 2; half++) {
        float most = top[tile][half];
#pragma unroll
        for (int i = 0; i < KEYS / 8; i++) most = fmaxf(most, fmaxf(products[tile][i][2 * half], products[tile][i][2 * half + 1]));
        most = fmaxf(most, __shfl_xor_sync(0xffffffffu, most, 1));
        most = fmaxf(most, __shfl_xor_sync(0xffffffffu, most, 2));
        const float base = most == minus_infinity() ? 0 : most * scale; // nothing is seen yet: all weights are 0
        const float by = fast_exp2(top[tile][half] * scale - base);
        if (__any_sync(0xffffffffu, by != 1)) rescale(tile, half, by);
        top[tile][half] = most;
#pragma unroll
        for (int i = 0; i < KEYS / 8; i++)
#pragma unroll
          for (int j = 2 * half; j < 2 * half + 2; j++) {
            products[tile][i][j] = fast_exp2(products[tile][i][j] * scale - base);
            sum[tile][half] += products[tile][i][j];
          }
      }
  }

  __device__ void rescale(int tile, int half, float by) {
    sum[tile][half] *= by;
#pragma unroll
    for (int i = 0; i < D / 8; i++) {
      found[tile][i][2 * half] *= by;
      found[tile][i][2 * half + 1] *= by;
    }
  }

  /** found += weights · values */
  __device__ void multiply_values(const T* values) {
    const int matrix = threadIdx.x % 32 / 8;
#pragma unroll
    for (int step = 0; step < KEYS / 16; step++) {
      uint32_t left[TILES][4];
#pragma unroll
      for (int tile = 0; tile < TILES; tile++)
#pragma unroll
        for (int i = 0; i < 4; i++) {
          const float(&pair)[4] = products[tile][2 * step + i / 2];
          left[tile][i] = pack_pair(pair[i % 2 * 2], pair[i % 2 * 2 + 1], T());
        }
#pragma unroll
      for (int i = 0; i < D / 16; i++) {
        uint32_t right[4];
        ldmatrix_x4_trans(right, matrix_row<T, ROW>(values + 16 * step * ROW + 16 * i, matrix % 2, matrix / 2));
#pragma unroll
        for (int tile = 0; tile < TILES; tile++) {
          mma_16816(found[tile][2 * i], left[tile], {right[0], right[1]}, T());
          mma_16816(found[tile][2 * i + 1], left[tile], {right[2], right[3]}, T());
        }
      }
    }
  }

  /** Writes results of queries before position `end`, the query at position p to out + (p - origin) stride. */
  __device__ void write(T* out, int64_t stride, int origin, int end) {
#pragma unroll
    for (int tile = 0; tile < TILES; tile++)
#pragma unroll
      for (int half = 0; half < 2; half++) {
        float all = sum[tile][half];
        all += __shfl_xor_sync(0xffffffffu, all, 1);
        all += __shfl_xor_sync(0xffffffffu, all, 2);
        const int own = position_of(tile, half);
        if (own >= end) continue;
        const float share = 1 / all;
        T* to = out + (own - origin) * stride + threadIdx.x % 4 * 2;
#pragma unroll
        for (int i = 0; i < D / 8; i++)
          *reinterpret_cast<uint32_t*>(to + 8 * i) = pack_pair(found[tile][i][2 * half] * share, found[tile][i][2 * half + 1] * share, T());
      }
  }
};

/** The lengths of a pass's axes. */
struct ManySizes {
  int heads, key_heads, length, keys;
};

/**
 * Grid [⌈length / QUERIES⌉, heads, rows], ManyShape::THREADS threads a block, ManyShape::BYTES of dynamic shared memory.
 * out is [rows, length, heads, D] if BY_POSITION, else [rows, heads, length, D].
 */
template <typename T, int D, int WINDOW, bool BY_POSITION, int SCALE_BITS, int QUERIES, int KEYS, int TILES>
__device__ inline void attend_many(const Heads<T>& q, const Heads<T>& k, const Heads<T>& v, ManySizes sizes, T* out) {
  using Shape = ManyShape<D, QUERIES, KEYS, TILES>;
  constexpr int ROW = Shape::ROW, THREADS = Shape::THREADS;
  T* queries = reinterpret_cast<T*>(dynamic_shared());
  T* keys = queries + QUERIES * ROW;    // two tiles
  T* values = keys + 2 * KEYS * ROW; // two tiles
  const int warp = threadIdx.x / 32, row = blockIdx.z, head = blockIdx.y, key_head = head / (sizes.heads / sizes.key_heads);
  const int first_query = (gridDim.x - 1 - blockIdx.x) * QUERIES; // the longest blocks begin first
  const int origin = sizes.keys - sizes.length, position = origin + first_query;
  const int end = min(sizes.keys, position + QUERIES), begin = WINDOW > 0 ? max(0, position + 1 - WINDOW) / KEYS * KEYS : 0;

  RowCopy<T, D, KEYS, THREADS> copy_keys(k.at(row, key_head), begin), copy_values(v.at(row, key_head), begin);
  const auto copy_tile = [&](int first) {
    const int stage = first / KEYS % 2 * KEYS * ROW;
    if (first < end) {
      copy_keys.next(keys + stage, end - first);
      copy_values.next(values + stage, end - first);
    }
    cp_async_commit(); // an empty group too: groups are counted
  };
  RowCopy<T, D, QUERIES, THREADS>(q.at(row, head), first_query).next(queries, sizes.length - first_query);
  copy_tile(begin);

  ManyQueries<T, D, KEYS, TILES> own;
  own.begin(position + warp * 16 * TILES);
  for (int first = begin; first < end; first += KEYS) {
    copy_tile(first + KEYS);
    cp_async_wait<1>();
    __syncthreads();
    const int stage = first / KEYS % 2 * KEYS * ROW;
    if (first <= own.last()) {
      own.multiply_keys(queries + warp * 16 * TILES * ROW, keys + stage);
      own.template mask<WINDOW>(first, end);
      own.weigh(scale_of_products<SCALE_BITS>());
      own.multiply_values(values + stage);
    }
    __syncthreads(); // the tile is copied over next
  }
  const int64_t rows_before = int64_t(row) * sizes.length * sizes.heads;
  T* to = BY_POSITION ? out + (rows_before + head) * D : out + (rows_before + int64_t(head) * sizes.length) * D;
  own.write(to, BY_POSITION ? int64_t(sizes.heads) * D : D, origin, sizes.keys);
}

// Attention of one new position per row over keys and values of many (decoding), for rows of different lengths.
//
//   row b sees positions first … last = lengths[b]; first is 0, or, through a window, last + 1 - WINDOW
//
//   position   0        PIECE     2 PIECE    3 PIECE
//              ├──────────┼──────────┼──────────┼──       A block takes a piece of one row's and one key head's positions, for all GROUP
//                  first ░░░░░░░░░░░░░░░░░ last           query heads of it, so that keys and values are read once.
//
// Pieces are cut at multiples of PIECE, and their results are merged in a fixed order (attend-merge.cuh). So a row's result depends neither on
// other rows, nor on how long the tensors are, nor on how many blocks share the work: block x takes the pieces x, x + gridDim.x, …
//
// Both products run on tensor cores, with queries as the narrow right factor, 8 to a tile:
//
//   products  [16 positions, 8 queries] += keys [16 positions, 16 numbers] · queries [16 numbers, 8 queries]
//   found     [16 numbers, 8 queries]   += valuesᵀ [16 numbers, 16 positions] · weights [16 positions, 8 queries]
//
// Keys and values go from memory straight to registers, 16 bytes a load. Which numbers a product sums over is free as long as both factors
// agree, so a lane takes the 8 neighbouring numbers of its load for two products of keys. Of values it takes 8 neighbouring numbers of
// positions 2t, 2t + 1, 2t + 8 and 2t + 9, and pairs them by position with byte permutations.
#pragma once
#include "attend-heads.cuh"
#include "ptx.cuh"

constexpr int ONE_WARPS = 4;

template <int D, int GROUP, int PIECE>
struct OneShape {
  static constexpr int TILES = (GROUP + 7) / 8;              // of 8 queries
  static constexpr int QUERIES = 8 * TILES;                  // those behind GROUP are zeros
  static constexpr int CHUNKS = D / 8;                       // loads of a head
  static constexpr int KEY_STEPS = (D + 31) / 32;            // loads of a lane of a key: four lanes share it
  static constexpr int KEY_TILES = PIECE / ONE_WARPS / 16;   // of 16 positions, of a warp
  static constexpr int SLICES = (D + 63) / 64;               // of values: eight lanes share one
  static constexpr int PARTS = ONE_WARPS / SLICES;           // of a piece's positions, for each of which a warp sums up a slice
  static constexpr int VALUE_STEPS = PIECE / PARTS / 16;     // of 16 positions, of a warp
  static constexpr int MOST_AHEAD = D > 128 ? 2 : 4;
  static constexpr int AHEAD = VALUE_STEPS < MOST_AHEAD ? VALUE_STEPS : MOST_AHEAD; // of them whose values are under way together
  static constexpr int WEIGHTS_ROW = PIECE + 8;              // rows begin 4 banks apart
  static_assert(PIECE % (16 * ONE_WARPS) == 0 && D % 8 == 0 && ONE_WARPS % SLICES == 0 && VALUE_STEPS % AHEAD == 0 && GROUP <= 16);
};

struct Visible {
  int first, last;
  __device__ bool operator()(int position) const { return position >= first && position <= last; }
};

template <typename T, int D, int GROUP, int PIECE>
struct OneMemory {
  using Shape = OneShape<D, GROUP, PIECE>;
  alignas(16) T weights[Shape::QUERIES][Shape::WEIGHTS_ROW];
  alignas(16) float found[Shape::PARTS][GROUP][D];
  float tops[ONE_WARPS][Shape::QUERIES]; // largest products
  float sums[ONE_WARPS][Shape::QUERIES]; // of weights
};

__device__ inline uint4 load_chunk(const void* from, bool present) {
  return present ? __ldg(static_cast<const uint4*>(from)) : make_uint4(0, 0, 0, 0);
}

template <typename T, int D, int GROUP, int PIECE>
struct OneBlock {
  using Shape = OneShape<D, GROUP, PIECE>;
  static constexpr int TILES = Shape::TILES, KEY_TILES = Shape::KEY_TILES;

  OneMemory<T, D, GROUP, PIECE>& memory;
  const Heads<T> keys, values; // of this row and head
  const int start;             // position where they begin
  const Visible visible;
  const float scale;
  const int warp = threadIdx.x / 32, group = threadIdx.x % 32 / 4, pair = threadIdx.x % 4 * 2; // lane / 4 and 2 (lane % 4)
  uint4 queries[TILES][Shape::KEY_STEPS];
  float products[KEY_TILES][TILES][4]; // positions group and group + 8, queries pair and pair + 1
  uint4 held[Shape::AHEAD][4];         // values

  __device__ OneBlock(OneMemory<T, D, GROUP, PIECE>& memory, const Heads<T>& keys, const Heads<T>& values, int start, Visible visible, float scale)
      : memory(memory), keys(keys), values(values), start(start), visible(visible), scale(scale) {}

  __device__ void load_queries(const Heads<T>& heads) {
#pragma unroll
    for (int tile = 0; tile < TILES; tile++)
#pragma unroll
      for (int step = 0; step < Shape::KEY_STEPS; step++) {
        const int query = 8 * tile + group, chunk = 4 * step + pair / 2;
        queries[tile][step] = load_chunk(heads.numbers + query * heads.head + 8 * chunk, query < GROUP && chunk < Shape::CHUNKS);
      }
  }

  __device__ int key_position(int piece, int tile) const { return piece * PIECE + (warp * KEY_TILES + tile) * 16 + group; }

  /** Products of the warp's positions of a piece. */
  __device__ void multiply_keys(int piece) {
    const T* at = keys[key_position(piece, 0) - start] + 8 * (pair / 2);
    const int64_t further = 8 * keys.position;
#pragma unroll
    for (int tile = 0; tile < KEY_TILES; tile++, at += 2 * further) {
      const int position = key_position(piece, tile);
      uint4 low[Shape::KEY_STEPS], high[Shape::KEY_STEPS];
#pragma unroll
      for (int step = 0; step < Shape::KEY_STEPS; step++) {
        const bool inside = 4 * step + pair / 2 < Shape::CHUNKS;
        low[step] = load_chunk(at + 32 * step, visible(position) && inside);
        high[step] = load_chunk(at + 32 * step + further, visible(position + 8) && inside);
      }
#pragma unroll
      for (int own = 0; own < TILES; own++) {
        float(&sum)[4] = products[tile][own];
        sum[0] = sum[1] = sum[2] = sum[3] = 0;
#pragma unroll
        for (int step = 0; step < Shape::KEY_STEPS; step++) {
          const uint4 query = queries[own][step];
          mma_16816(sum, {low[step].x, high[step].x, low[step].y, high[step].y}, {query.x, query.y}, T());
          mma_16816(sum, {low[step].z, high[step].z, low[step].w, high[step].w}, {query.z, query.w}, T());
        }
      }
    }
  }

  /** Scales products, hides those of positions that the row does not see, and shows the warp's largest of each query. */
  __device__ void find_tops(int piece) {
#pragma unroll
    for (int own = 0; own < TILES; own++)
#pragma unroll
      for (int column = 0; column < 2; column++) {
        float top = minus_infinity();
#pragma unroll
        for (int tile = 0; tile < KEY_TILES; tile++)
#pragma unroll
          for (int half = 0; half < 2; half++) {
            float& product = products[tile][own][2 * half + column];
            product = visible(key_position(piece, tile) + 8 * half) ? product * scale : minus_infinity();
            top = fmaxf(top, product);
          }
#pragma unroll
        for (int distance = 4; distance < 32; distance *= 2) top = fmaxf(top, __shfl_xor_sync(0xffffffffu, top, distance));
        if (group == 0) memory.tops[warp][8 * own + pair + column] = top;
      }
  }

  __device__ float top(int query) const {
    float most = memory.tops[0][query];
#pragma unroll
    for (int i = 1; i < ONE_WARPS; i++) most = fmaxf(most, memory.tops[i][query]);
    return most;
  }

  __device__ float sum(int query) const {
    float all = memory.sums[0][query];
#pragma unroll
    for (int i = 1; i < ONE_WARPS; i++) all += memory.sums[i][query];
    return all;
  }

  /** Shows the weights of the warp's positions, and their sums. */
  __device__ void weigh() {
#pragma unroll
    for (int own = 0; own < TILES; own++)
#pragma unroll
      for (int column = 0; column < 2; column++) {
        const int query = 8 * own + pair + column;
        const float most = top(query);
        float all = 0;
#pragma unroll
        for (int tile = 0; tile < KEY_TILES; tile++)
#pragma unroll
          for (int half = 0; half < 2; half++) {
            const float weight = fast_exp2(products[tile][own][2 * half + column] - most);
            all += weight;
            memory.weights[query][(warp * KEY_TILES + tile) * 16 + 8 * half + group] = T(weight);
          }
#pragma unroll
        for (int distance = 4; distance < 32; distance *= 2) all += __shfl_xor_sync(0xffffffffu, all, distance);
        if (group == 0) memory.sums[warp][query] = all;
      }
  }

  __device__ int slice() const { return warp % Shape::SLICES; }
  __device__ int part() const { return warp / Shape::SLICES; }

  /** Begins to load the values of steps from `first` on. */
  __device__ void load_values(int piece, int first) {
    const int chunk = 8 * slice() + group, position = piece * PIECE + (part() * Shape::VALUE_STEPS + first) * 16 + pair;
    const T* at = values[position - start] + 8 * chunk;
#pragma unroll
    for (int step = 0; step < Shape::AHEAD; step++, at += 16 * values.position)
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const int further = i % 2 + i / 2 * 8;
        held[step][i] = load_chunk(at + further * values.position, visible(position + 16 * step + further) && chunk < Shape::CHUNKS);
      }
  }

  /** Adds a step's part of the warp's slice: numbers 2 i and 2 i + 1 of the lane's chunk of queries pair and pair + 1. */
  __device__ void multiply_values(float (&found)[4][TILES][4], const uint4 (&at)[4], int step) const {
    const int position = (part() * Shape::VALUE_STEPS + step) * 16 + pair;
#pragma unroll
    for (int own = 0; own < TILES; own++) {
      const T* weights = &memory.weights[8 * own + group][position];
      const uint32_t right[2] = {*reinterpret_cast<const uint32_t*>(weights), *reinterpret_cast<const uint32_t*>(weights + 8)};
#pragma unroll
      for (int i = 0; i < 4; i++) {
        const uint32_t word[4] = {(&at[0].x)[i], (&at[1].x)[i], (&at[2].x)[i], (&at[3].x)[i]};
        mma_16816(found[i][own],
                  {__byte_perm(word[0], word[1], 0x5410u), __byte_perm(word[0], word[1], 0x7632u), __byte_perm(word[2], word[3], 0x5410u),
                   __byte_perm(word[2], word[3], 0x7632u)},
                  right, T());
      }
    }
  }

  /** Shows what the warp found. */
  __device__ void show(const float (&found)[4][TILES][4]) {
    const int chunk = 8 * slice() + group;
    if (chunk >= Shape::CHUNKS) return;
#pragma unroll
    for (int own = 0; own < TILES; own++)
#pragma unroll
      for (int column = 0; column < 2; column++) {
        const int query = 8 * own + pair + column;
        if (query >= GROUP) continue;
        float4* to = reinterpret_cast<float4*>(&memory.found[part()][query][8 * chunk]);
#pragma unroll
        for (int i = 0; i < 2; i++) {
          const float(&one)[4] = found[2 * i][own], (&two)[4] = found[2 * i + 1][own];
          to[i] = make_float4(one[column], one[2 + column], two[column], two[2 + column]);
        }
      }
  }

  /** Leaves weights' sums and weighted values of a piece in memory. */
  __device__ void attend(int piece) {
    multiply_keys(piece);
    load_values(piece, 0); // they arrive while weights are found
    find_tops(piece);
    __syncthreads();
    weigh();
    __syncthreads();
    float found[4][TILES][4] = {};
#pragma unroll
    for (int first = 0; first < Shape::VALUE_STEPS; first += Shape::AHEAD) {
      if (first > 0) load_values(piece, first);
#pragma unroll
      for (int step = 0; step < Shape::AHEAD; step++) multiply_values(found, held[step], first + step);
    }
    show(found);
    __syncthreads();
  }

  __device__ float found(int query, int i) const {
    float all = memory.found[0][query][i];
#pragma unroll
    for (int part = 1; part < Shape::PARTS; part++) all += memory.found[part][query][i];
    return all;
  }
};

/** Where results go if every row lies in one piece: out [rows, heads, 1, D]. */
template <typename T>
struct WholeResult {
  T* out;
  template <int D>
  __device__ void write(int64_t head, int, int i, float found, float, float sum) const {
    out[head * D + i] = T(found * (1 / sum));
  }
};

/** Where results of pieces go: found [rows, heads, pieces, D] and, of each, the largest product and the sum of weights. */
struct PieceResults {
  float *found, *scales;
  int pieces;
  template <int D>
  __device__ void write(int64_t head, int piece, int i, float all, float top, float sum) const {
    const int64_t at = head * pieces + piece;
    found[at * D + i] = all;
    if (i < 2) scales[2 * at + i] = i == 0 ? top : sum;
  }
};

/** Grid [any number of blocks, key heads, rows], 32 ONE_WARPS threads a block. `start` is the position where keys and values begin. */
template <typename T, int D, int GROUP, int WINDOW, int PIECE, int SCALE_BITS, typename Result>
__device__ inline void attend_one(Heads<T> queries, Heads<T> keys, Heads<T> values, const int* lengths, int start, Result result) {
  __shared__ OneMemory<T, D, GROUP, PIECE> memory;
  const int row = blockIdx.z, head = blockIdx.y, last = lengths[row];
  const Visible visible = {max(start, WINDOW > 0 ? last + 1 - WINDOW : 0), last};
  int piece = visible.first / PIECE + blockIdx.x;
  if (piece > last / PIECE) return;

  OneBlock<T, D, GROUP, PIECE> block(memory, keys.at(row, head), values.at(row, head), start, visible, scale_of_products<SCALE_BITS>());
  block.load_queries(queries.at(row, head * GROUP));
  for (; piece <= last / PIECE; piece += gridDim.x) {
    block.attend(piece);
    const int64_t first_head = (int64_t(row) * gridDim.y + head) * GROUP;
    for (int i = threadIdx.x; i < GROUP * D; i += 32 * ONE_WARPS) {
      const int query = i / D;
      result.template write<D>(first_head + query, piece - start / PIECE, i % D, block.found(query, i % D), block.top(query), block.sum(query));
    }
    __syncthreads(); // the memory is written again
  }
}

// Products of a few rows with a matrix whose numbers are packed in affine mode: out = x wᵀ, w = scale q + zero point, one pair for each
// group of a row. MLX's own kernel reads the matrix once per row; this one reads it once per 8 TILES rows, on tensor cores.
//
// A warp computes 16 outputs of 8 TILES rows. The matrix is the left factor of its products:
//
//     q [16 outputs, 16 inputs] · x [16 inputs, 8 rows]        q is exact in 16 bits, sums are float32
//
// A lane holds numbers of two outputs, `lane / 4` and the one 8 further. Which inputs a product sums over is free as long as both factors
// agree, so a lane takes CHUNK / 4 neighbouring inputs, which it loads at once, for all products of a chunk. A chunk lies in one group: its
// sum is scaled as a whole, and Σ x, times the zero point, comes from products of x with ones. SPLIT warps share an output's chunks; their
// sums are added in a fixed order, so that a row's result depends neither on other rows nor on their number.
#pragma once
#include "ptx.cuh"

template <int BITS, int GROUP>
struct Packing {
  static constexpr int PER_WORD = 32 / BITS;
  static constexpr int CHUNK = GROUP < 16 * PER_WORD ? GROUP : 16 * PER_WORD; // inputs that a quad of lanes loads at once: 16 bytes a lane at most
  static constexpr int WORDS = CHUNK / 4 / PER_WORD;                          // of a lane
  static constexpr int STEPS = CHUNK / 16;                                    // products of a chunk
};

/** The whole number at place `i` of a word, as a float: under the bits of 2^23 it counts ones. */
template <int BITS>
__device__ inline float packed_number(uint32_t word, int i) {
  uint32_t bits = BITS == 8 ? __byte_perm(word, 0x4B000000u, 0x7440u + i) : 0x4B000000u | ((word >> (BITS * i)) & ((1u << BITS) - 1));
  return __uint_as_float(bits) - 8388608.0f;
}

/** Two whole numbers below 256 in 16 bits each. */
__device__ inline uint32_t pack_whole(float low, float high, __nv_bfloat16) {
  return __byte_perm(__float_as_uint(low), __float_as_uint(high), 0x7632u); // nothing is cut off: they have 8 significant bits
}
__device__ inline uint32_t pack_whole(float low, float high, __half) {
  __half2 both = __floats2half2_rn(low, high);
  return *reinterpret_cast<uint32_t*>(&both);
}

__device__ inline uint32_t pair_of_ones(__nv_bfloat16) { return 0x3F803F80u; }
__device__ inline uint32_t pair_of_ones(__half) { return 0x3C003C00u; }

/** Loads WORDS words, 16 bytes at a time where there are as many. */
template <int WORDS>
__device__ inline void load_words(uint32_t (&to)[WORDS], const void* from) {
  if constexpr (WORDS == 1) to[0] = __ldg(static_cast<const uint32_t*>(from));
  else if constexpr (WORDS == 2) *reinterpret_cast<uint2*>(to) = __ldg(static_cast<const uint2*>(from));
  else
#pragma unroll
    for (int i = 0; i < WORDS / 4; i++) reinterpret_cast<uint4*>(to)[i] = __ldg(static_cast<const uint4*>(from) + i);
}

/** A lane's part of a chunk of two outputs. */
template <typename T, int BITS, int GROUP>
struct Weights {
  using P = Packing<BITS, GROUP>;
  alignas(16) uint32_t words[2][P::WORDS];
  float scale[2], zero[2];

  __device__ void load(const uint32_t* w, const T* scales, const T* biases, const int (&outputs)[2], int inputs, int chunk) {
    int part = threadIdx.x % 4;
#pragma unroll
    for (int i = 0; i < 2; i++) {
      size_t row = outputs[i];
      load_words(words[i], w + row * (inputs / P::PER_WORD) + (chunk * 4 + part) * P::WORDS);
      size_t group = row * (inputs / GROUP) + chunk * P::CHUNK / GROUP;
      scale[i] = float(scales[group]);
      zero[i] = float(biases[group]);
    }
  }

  /** The left factor of product `step`. */
  __device__ void fragment(uint32_t (&a)[4], int step) const {
#pragma unroll
    for (int half = 0; half < 2; half++) {
#pragma unroll
      for (int i = 0; i < 2; i++) {
        int place = 4 * step + 2 * half; // among the lane's inputs
        uint32_t word = words[i][place / P::PER_WORD];
        int at = place % P::PER_WORD;
        a[2 * half + i] = pack_whole(packed_number<BITS>(word, at), packed_number<BITS>(word, at + 1), T());
      }
    }
  }
};

/** Adds a chunk's part of 16 outputs of 8 TILES rows. `x` is where the lane's inputs of its row of the first tile begin; rows it lacks are zeros. */
template <typename T, int BITS, int GROUP, int TILES>
__device__ inline void add_chunk(float (&sums)[TILES][4], const Weights<T, BITS, GROUP>& weights, const T* x, int inputs, const bool (&present)[TILES]) {
  using P = Packing<BITS, GROUP>;
  alignas(16) uint32_t right[TILES][2 * P::STEPS] = {};
#pragma unroll
  for (int tile = 0; tile < TILES; tile++)
    if (present[tile]) load_words(right[tile], x + size_t(8 * tile) * inputs);
  float part[TILES][4] = {}, total[TILES][4] = {};
  const uint32_t one = pair_of_ones(T());
  const uint32_t ones[4] = {one, one, one, one};
#pragma unroll
  for (int step = 0; step < P::STEPS; step++) {
    uint32_t left[4];
    weights.fragment(left, step);
#pragma unroll
    for (int tile = 0; tile < TILES; tile++) {
      const uint32_t both[2] = {right[tile][2 * step], right[tile][2 * step + 1]};
      mma_16816(part[tile], left, both, T());
      mma_16816(total[tile], ones, both, T());
    }
  }
#pragma unroll
  for (int tile = 0; tile < TILES; tile++)
#pragma unroll
    for (int i = 0; i < 4; i++) sums[tile][i] += weights.scale[i / 2] * part[tile][i] + weights.zero[i / 2] * total[tile][i];
}

/** x [rows, inputs], w [outputs, inputs] packed, scales and biases [outputs, inputs / GROUP], out [rows, outputs]. 8 warps a block. */
template <typename T, int BITS, int GROUP, int TILES, int SPLIT>
__device__ inline void quantized_matmul(const T* x, const uint32_t* w, const T* scales, const T* biases, T* out, int rows, int outputs, int inputs) {
  using P = Packing<BITS, GROUP>;
  constexpr int WARPS = 8, BLOCKED = WARPS / SPLIT, WIDTH = 8 * TILES;
  __shared__ float partial[WARPS][16][WIDTH + 1];
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  const int first_output = (blockIdx.x * BLOCKED + warp / SPLIT) * 16, first_row = blockIdx.y * WIDTH;
  const int own_row = first_row + lane / 4;
  const int own[2] = {min(first_output + lane / 4, outputs - 1), min(first_output + lane / 4 + 8, outputs - 1)};
  bool present[TILES];
#pragma unroll
  for (int tile = 0; tile < TILES; tile++) present[tile] = own_row + 8 * tile < rows;

  float sums[TILES][4] = {};
  const int chunks = inputs / P::CHUNK;
  const T* own_x = x + size_t(own_row) * inputs + lane % 4 * (P::CHUNK / 4);
  for (int chunk = warp % SPLIT; chunk < chunks; chunk += 2 * SPLIT) {
    Weights<T, BITS, GROUP> one, other; // both are on their way before the first is used
    one.load(w, scales, biases, own, inputs, chunk);
    const bool more = chunk + SPLIT < chunks;
    if (more) other.load(w, scales, biases, own, inputs, chunk + SPLIT);
    add_chunk<T, BITS, GROUP, TILES>(sums, one, own_x + chunk * P::CHUNK, inputs, present);
    if (more) add_chunk<T, BITS, GROUP, TILES>(sums, other, own_x + (chunk + SPLIT) * P::CHUNK, inputs, present);
  }
#pragma unroll
  for (int tile = 0; tile < TILES; tile++)
#pragma unroll
    for (int i = 0; i < 4; i++) partial[warp][lane / 4 + i / 2 * 8][8 * tile + lane % 4 * 2 + i % 2] = sums[tile][i];
  __syncthreads();
  for (int i = threadIdx.x; i < BLOCKED * 16 * WIDTH; i += 32 * WARPS) {
    const int output = i % (16 * BLOCKED), row = i / (16 * BLOCKED);
    float sum = 0;
#pragma unroll
    for (int split = 0; split < SPLIT; split++) sum += partial[output / 16 * SPLIT + split][output % 16][row];
    const int to = blockIdx.x * BLOCKED * 16 + output;
    if (to < outputs && first_row + row < rows) out[size_t(first_row + row) * outputs + to] = T(sum);
  }
}

// What lies between the joined projection of an attention layer and its products, in one kernel: heads of queries and keys are normed and
// turned by their positions (Su et al. 2021), queries are laid out by head, keys and values go to their places in the slabs of their rows.
//
// The slabs are written in place although MLX takes them for mere inputs: it has no kernels of one's own that write into an array that is
// there already. What reads them next takes the queries as well, and so comes later.
#pragma once
#include "attend-heads.cuh"

/** One head of one position, held by a warp. */
template <typename T, int D>
struct Head {
  static constexpr int STEPS = (D + 31) / 32;
  float numbers[STEPS];

  __device__ void load(const T* from) {
#pragma unroll
    for (int step = 0; step < STEPS; step++) {
      const int i = 32 * step + threadIdx.x;
      numbers[step] = i < D ? float(from[i]) : 0;
    }
  }

  __device__ void store(T* to) const {
#pragma unroll
    for (int step = 0; step < STEPS; step++) {
      const int i = 32 * step + threadIdx.x;
      if (i < D) to[i] = T(numbers[step]);
    }
  }

  /** Rounds where MLX's kernels for norm and gain do. */
  __device__ void norm(const T* gain, float eps) {
    float squares = 0;
#pragma unroll
    for (int step = 0; step < STEPS; step++) squares += numbers[step] * numbers[step];
#pragma unroll
    for (int distance = 16; distance > 0; distance /= 2) squares += __shfl_xor_sync(0xffffffffu, squares, distance);
    const float factor = rsqrtf(squares / D + eps);
#pragma unroll
    for (int step = 0; step < STEPS; step++) {
      const int i = 32 * step + threadIdx.x;
      if (i < D) numbers[step] = float(T(float(T(numbers[step] * factor)) * float(gain[i])));
    }
  }

  /** Turns the pairs of the first DIMS numbers; `others` has room for a head. */
  template <int DIMS, bool TRADITIONAL>
  __device__ void turn(const float* angles, float position, float* others) {
#pragma unroll
    for (int step = 0; step < STEPS; step++) {
      const int i = 32 * step + threadIdx.x;
      if (i < D) others[i] = numbers[step];
    }
    __syncwarp();
#pragma unroll
    for (int step = 0; step < STEPS; step++) {
      const int i = 32 * step + threadIdx.x;
      if (i >= DIMS) continue;
      const bool first = TRADITIONAL ? i % 2 == 0 : i < DIMS / 2;
      const int pair = TRADITIONAL ? i / 2 : i % (DIMS / 2);
      const float other = others[TRADITIONAL ? i ^ 1 : (i + DIMS / 2) % DIMS];
      float sine, cosine;
      sincosf(position * angles[pair], &sine, &cosine);
      numbers[step] = numbers[step] * cosine + (first ? -other : other) * sine;
    }
  }
};

/**
 * projected [rows, length, HEADS + 2 KV_HEADS, D], gains [HEADS + KV_HEADS, D], angles [DIMS / 2] radians a position, offsets [rows] positions
 * of the first; queries [rows, HEADS, length, D]; keys and values by slot and KV_HEADS. Grid [blocks of heads, length, rows], 32 × WARPS threads
 * a block.
 */
template <typename T, int D, int HEADS, int KV_HEADS, bool NORM, int DIMS, bool TRADITIONAL, int EPS_BITS, int WARPS>
__device__ inline void place_heads(const Heads<T>& projected, const T* gains, const float* angles, const int* offsets, T* queries,
                                   const Heads<T>& keys, const Heads<T>& values) {
  __shared__ float others[WARPS][D];
  constexpr int TURNED = HEADS + KV_HEADS, ALL = TURNED + KV_HEADS;
  const int head = blockIdx.x * WARPS + threadIdx.y, at = blockIdx.y, row = blockIdx.z, length = gridDim.y;
  if (head >= ALL) return;
  const int position = offsets[row] + at;

  Head<T, D> own;
  own.load(projected.at(row, head)[at]);
  if (head < TURNED) {
    if (NORM) own.norm(gains + head * D, __int_as_float(EPS_BITS));
    if (DIMS > 0) own.template turn<DIMS, TRADITIONAL>(angles, position, others[threadIdx.y]);
  }
  if (head < HEADS) own.store(queries + ((int64_t(row) * HEADS + head) * length + at) * D);
  else if (head < TURNED) own.store(const_cast<T*>(keys.at(row, head - HEADS)[position]));
  else own.store(const_cast<T*>(values.at(row, head - TURNED)[position]));
}

// Merges what attend-one.cuh found in the pieces of each row's positions.
//
// A thread sums up four numbers of every STRANDS-th piece; then strands are added in order. Which strand a piece belongs to follows from its
// place among all positions, so that a row's result depends on its own pieces alone.
#pragma once
#include "attend-heads.cuh"

constexpr int STRANDS = 8;

/** A weighted sum of values, scaled as though the largest product were `top`. */
struct Strand {
  float4 found;
  float top, sum;

  __device__ void add(float4 other, float other_top, float other_sum) {
    if (other_sum == 0) return; // nothing was found there: no weight is 0 by itself, for the largest is 1
    const float most = fmaxf(top, other_top), own = fast_exp2(top - most), its = fast_exp2(other_top - most);
    found = make_float4(found.x * own + other.x * its, found.y * own + other.y * its, found.z * own + other.z * its, found.w * own + other.w * its);
    sum = sum * own + other_sum * its;
    top = most;
  }
};

/** found [rows, heads, pieces, D], scales [rows, heads, pieces, 2] → out [rows, heads, 1, D]. Grid [1, heads, rows], D / 4 × STRANDS threads a block. */
template <typename T, int D, int WINDOW, int PIECE>
__device__ inline void attend_merge(const float* found, const float* scales, const int* lengths, int start, int pieces, T* out) {
  __shared__ Strand strands[STRANDS][D / 4];
  const int last = lengths[blockIdx.z], first = max(start, WINDOW > 0 ? last + 1 - WINDOW : 0);
  const int64_t head = int64_t(blockIdx.z) * gridDim.y + blockIdx.y;

  Strand own = {make_float4(0, 0, 0, 0), minus_infinity(), 0};
  const int first_piece = first / PIECE, own_strand = threadIdx.y;
#pragma unroll 4
  for (int piece = first_piece + (own_strand + STRANDS - first_piece % STRANDS) % STRANDS; piece <= last / PIECE; piece += STRANDS) {
    const int64_t at = head * pieces + piece - start / PIECE;
    const float2 scale = __ldg(reinterpret_cast<const float2*>(scales) + at);
    own.add(__ldg(reinterpret_cast<const float4*>(found + at * D) + threadIdx.x), scale.x, scale.y);
  }
  strands[own_strand][threadIdx.x] = own;
  __syncthreads();
  if (own_strand > 0) return;
#pragma unroll
  for (int i = 1; i < STRANDS; i++) own.add(strands[i][threadIdx.x].found, strands[i][threadIdx.x].top, strands[i][threadIdx.x].sum);
  T* to = out + head * D + 4 * threadIdx.x;
  const float share = 1 / own.sum;
  to[0] = T(own.found.x * share);
  to[1] = T(own.found.y * share);
  to[2] = T(own.found.z * share);
  to[3] = T(own.found.w * share);
}

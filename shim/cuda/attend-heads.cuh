// What the attention kernels share: where heads lie, and how sums become weights.
#pragma once

/** A tensor [rows, heads, positions, D] whose last axis is contiguous; every head begins at a multiple of 16 bytes. */
template <typename T>
struct Heads {
  const T* numbers;
  int64_t row, head, position; // strides

  __device__ Heads at(int64_t own_row, int64_t own_head) const { return {numbers + own_row * row + own_head * head, row, head, position}; }
  __device__ const T* operator[](int64_t own_position) const { return numbers + own_position * position; }
};

/** Products are scaled by this before 2^x is taken of them, which the hardware has, as it has not e^x. */
template <int SCALE_BITS>
__device__ inline float scale_of_products() {
  return __int_as_float(SCALE_BITS) * 1.44269504f;
}

/** The product of what is not seen. */
__device__ inline float minus_infinity() { return __uint_as_float(0xff800000u); }

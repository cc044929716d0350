// CUDA's vectors and 16-bit numbers, as far as kernels use them. Part of emulate.h.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

using std::max;
using std::min;

struct alignas(8) uint2 { uint32_t x, y; };
struct alignas(16) uint4 { uint32_t x, y, z, w; };
struct alignas(8) float2 { float x, y; };
struct alignas(16) float4 { float x, y, z, w; };
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline uint2 make_uint2(uint32_t x, uint32_t y) { return {x, y}; }
inline uint4 make_uint4(uint32_t x, uint32_t y, uint32_t z, uint32_t w) { return {x, y, z, w}; }

inline uint32_t __float_as_uint(float x) {
  uint32_t bits;
  memcpy(&bits, &x, 4);
  return bits;
}
inline float __uint_as_float(uint32_t bits) {
  float x;
  memcpy(&x, &bits, 4);
  return x;
}
inline float __int_as_float(int bits) { return __uint_as_float(uint32_t(bits)); }
#define rsqrtf(x) (1.0f / std::sqrt(x)) // some C libraries have a function of that name

inline uint32_t atomicAdd(uint32_t* at, uint32_t more) { // threads run one at a time
  const uint32_t before = *at;
  *at += more;
  return before;
}

/** Four bytes of the eight in `low` and `high`, each named by four bits of `places`. */
inline uint32_t __byte_perm(uint32_t low, uint32_t high, uint32_t places) {
  const uint64_t both = uint64_t(high) << 32 | low;
  uint32_t out = 0;
  for (int i = 0; i < 4; i++) out |= uint32_t(both >> 8 * (places >> 4 * i & 7) & 255) << 8 * i;
  return out;
}

template <typename T>
inline T __ldg(const T* from) {
  if (reinterpret_cast<uintptr_t>(from) % sizeof(T) != 0) emulated::fail("an address is not a multiple of what is loaded");
  return *from;
}

namespace emulated {

inline uint16_t to_bfloat16(float x) {
  const uint32_t bits = __float_as_uint(x);
  if (x != x) return 0x7fff;
  return (bits + 0x7fff + (bits >> 16 & 1)) >> 16; // to the nearest, ties to even
}

inline uint16_t to_half(float x) {
  const uint32_t bits = __float_as_uint(x), sign = bits >> 16 & 0x8000;
  const float size = std::fabs(x);
  if (x != x) return 0x7fff;
  if (size >= 65520.0f) return sign | 0x7c00;
  if (size < 0x1p-14f) return sign | uint32_t(std::nearbyint(size * 0x1p24f));
  const uint32_t magnitude = (bits & 0x7fffffff) - (112u << 23);
  return sign | (magnitude + 0xfff + (magnitude >> 13 & 1)) >> 13;
}

inline float from_half(uint16_t half) {
  const int exponent = half >> 10 & 31, fraction = half & 1023;
  const float size = exponent == 31  ? (fraction ? NAN : INFINITY)
                     : exponent == 0 ? std::ldexp(float(fraction), -24)
                                     : std::ldexp(float(1024 + fraction), exponent - 25);
  return half & 0x8000 ? -size : size;
}

} // namespace emulated

struct __nv_bfloat16 {
  uint16_t bits;
  __nv_bfloat16() = default;
  __nv_bfloat16(float x) : bits(emulated::to_bfloat16(x)) {}
  operator float() const { return __uint_as_float(uint32_t(bits) << 16); }
};
struct __half {
  uint16_t bits;
  __half() = default;
  __half(float x) : bits(emulated::to_half(x)) {}
  operator float() const { return emulated::from_half(bits); }
};
struct alignas(4) __nv_bfloat162 { __nv_bfloat16 x, y; };
struct alignas(4) __half2 { __half x, y; };

inline float __bfloat162float(__nv_bfloat16 x) { return x; }
inline __nv_bfloat16 __float2bfloat16(float x) { return x; }
inline float __half2float(__half x) { return x; }
inline __half __float2half(float x) { return x; }
inline __nv_bfloat162 __floats2bfloat162_rn(float x, float y) { return {x, y}; }
inline __half2 __floats2half2_rn(float x, float y) { return {x, y}; }

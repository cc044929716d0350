// What lanes of a warp do together, and the instructions of shim/cuda/ptx.cuh. Part of emulate.h.
#pragma once
#define EMULATED_PTX

constexpr unsigned WHOLE_WARP = 0xffffffffu;

namespace emulated {

using Words = const uint32_t (&)[WARP][8]; // of all lanes

template <typename T>
inline T from_lane(unsigned mask, T value, int source) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8);
  if (mask != WHOLE_WARP) fail("only whole warps are emulated");
  uint32_t words[sizeof(T) / 4];
  memcpy(words, &value, sizeof(T));
  const int set = show(words, [](Words, int) {});
  memcpy(&value, warp().shown[set][source], sizeof(T));
  return value;
}

inline float number(uint16_t bits, __nv_bfloat16) { return __uint_as_float(uint32_t(bits) << 16); }
inline float number(uint16_t bits, __half) { return from_half(bits); }

/** Both factors as floats, from the words that the lanes hold of them: a in 0 … 3, b in 4 and 5. */
template <typename T>
inline void gather_factors(Words words, int set) {
  auto& factors = warp().factors[set];
  for (int lane = 0; lane < WARP; lane++) {
    const int group = lane / 4, pair = lane % 4 * 2;
    for (int word = 0; word < 6; word++)
      for (int i = 0; i < 2; i++) {
        const float x = number(uint16_t(words[lane][word] >> 16 * i), T());
        if (word < 4) factors.left[group + word % 2 * 8][pair + i + word / 2 * 8] = x;
        else factors.right[pair + i + (word - 4) * 8][group] = x;
      }
  }
}

template <typename T>
inline void mma(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
  const uint32_t words[6] = {a[0], a[1], a[2], a[3], b[0], b[1]};
  const int set = show(words, gather_factors<T>);
  const auto& factors = warp().factors[set];
  for (int i = 0; i < 4; i++) {
    const float* row = factors.left[lane() / 4 + i / 2 * 8];
    float sum = 0;
    for (int k = 0; k < 16; k++) sum += row[k] * factors.right[k][lane() % 4 * 2 + i % 2];
    d[i] += sum;
  }
}

inline void gather_rows(Words words, int set) {
  for (int lane = 0; lane < WARP; lane++) {
    const uintptr_t address = uintptr_t(words[lane][1]) << 32 | words[lane][0];
    if (address % 16 != 0) fail("a row of a matrix does not begin at a multiple of 16 bytes");
    memcpy(warp().rows[set][lane], reinterpret_cast<const void*>(address), 16);
  }
}

inline void ldmatrix(uint32_t (&to)[4], const void* row, bool transposed) {
  const uint64_t address = reinterpret_cast<uintptr_t>(row);
  const uint32_t words[2] = {uint32_t(address), uint32_t(address >> 32)};
  const int set = show(words, gather_rows);
  const auto& rows = warp().rows[set];
  const int group = lane() / 4, pair = lane() % 4 * 2;
  for (int i = 0; i < 4; i++) {
    const auto number = [&](int j) { return transposed ? rows[8 * i + pair + j][group] : rows[8 * i + group][pair + j]; };
    to[i] = uint32_t(number(1)) << 16 | number(0);
  }
}

inline void arrive(const Copy& copy) {
  if (copy.present) memcpy(copy.to, copy.from, 16);
  else memset(copy.to, 0, 16);
}

} // namespace emulated

template <typename T>
inline T __shfl_sync(unsigned mask, T value, int source) { return emulated::from_lane(mask, value, source); }
template <typename T>
inline T __shfl_xor_sync(unsigned mask, T value, int distance) { return emulated::from_lane(mask, value, emulated::lane() ^ distance); }
template <typename T>
inline T __shfl_down_sync(unsigned mask, T value, int distance) {
  const int source = emulated::lane() + distance;
  return emulated::from_lane(mask, value, source < emulated::WARP ? source : emulated::lane());
}
template <typename T>
inline T __shfl_up_sync(unsigned mask, T value, int distance) {
  const int source = emulated::lane() - distance;
  return emulated::from_lane(mask, value, source < 0 ? emulated::lane() : source);
}
inline bool __any_sync(unsigned mask, bool mine) {
  bool any = mine;
  for (int distance = 1; distance < emulated::WARP; distance *= 2) any |= __shfl_xor_sync(mask, int(any), distance) != 0;
  return any;
}
inline void __syncwarp(unsigned mask = WHOLE_WARP) { emulated::from_lane(mask, 0, 0); }

inline void mma_16816(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], __nv_bfloat16) { emulated::mma<__nv_bfloat16>(d, a, b); }
inline void mma_16816(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], __half) { emulated::mma<__half>(d, a, b); }
inline void ldmatrix_x4(uint32_t (&to)[4], const void* row) { emulated::ldmatrix(to, row, false); }
inline void ldmatrix_x4_trans(uint32_t (&to)[4], const void* row) { emulated::ldmatrix(to, row, true); }

inline void cp_async_16(void* shared, const void* global, bool present = true) {
  if ((reinterpret_cast<uintptr_t>(shared) | reinterpret_cast<uintptr_t>(global)) % 16 != 0) emulated::fail("a copy of 16 bytes is not aligned");
  const emulated::Copy copy = {shared, global, present};
  if (emulated::block.order == emulated::Order::backwardEarly) emulated::arrive(copy);
  else emulated::block.self->copies.push_back(copy);
}
inline void cp_async_commit() {
  emulated::Thread& self = *emulated::block.self;
  self.groups.push_back(std::move(self.copies));
  self.copies.clear();
}
template <int LATER>
inline void cp_async_wait() {
  auto& groups = emulated::block.self->groups;
  while (groups.size() > LATER) {
    for (const emulated::Copy& copy : groups.front()) emulated::arrive(copy);
    groups.erase(groups.begin());
  }
}

inline float fast_exp2(float x) { return std::exp2(x); }

inline char* dynamic_shared() {
  char* bytes = emulated::block.shared.data();
  return bytes + (16 - reinterpret_cast<uintptr_t>(bytes) % 16) % 16;
}

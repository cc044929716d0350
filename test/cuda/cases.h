// What tests of kernels share: numbers that are the same in every run, and results with room behind them.
#pragma once
#include "emulate.h"

/** Numbers about as large as normed activations, the same in every run. */
struct Random {
  uint64_t state = 1;
  uint32_t bits() {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return state >> 32;
  }
  float next() {
    float sum = 0;
    for (int i = 0; i < 4; i++) sum += float(bits() >> 8) / (1 << 24) - 0.5f;
    return 1.7f * sum;
  }
};

/** A result with room behind it that nothing may write. */
template <typename T>
struct Result {
  static constexpr int GUARD = 64;
  std::vector<T> numbers;
  explicit Result(size_t size) : numbers(size + GUARD) { memset(numbers.data(), 0xa5, numbers.size() * sizeof(T)); }
  T* data() { return numbers.data(); }
  void check() const {
    const char* guard = reinterpret_cast<const char*>(numbers.data() + numbers.size() - GUARD);
    for (size_t i = 0; i < GUARD * sizeof(T); i++)
      if (guard[i] != char(0xa5)) emulated::fail("something is written behind a result");
  }
  bool operator==(const Result& other) const { return memcmp(numbers.data(), other.numbers.data(), numbers.size() * sizeof(T)) == 0; }
};

constexpr emulated::Order ORDERS[] = {emulated::Order::forwardLate, emulated::Order::backwardEarly};

// What both attention tests need: tensors whose unseen numbers are not-a-numbers, and attention as it is defined, in double precision.
#pragma once
#include "cases.h"
#include "../../shim/cuda/attend-heads.cuh"

constexpr int SCALE_BITS = 0x3e800000; // 0.25: products are large enough for weights to differ

/** [rows, heads, positions, D] with a gap behind every head and position; all not-a-number at first. */
template <typename T>
struct Tensor {
  std::vector<T> numbers;
  Heads<T> heads;

  Tensor(int rows, int heads_, int positions, int width, bool by_position = false) {
    const int64_t row = int64_t(heads_) * positions * width + 8;
    if (by_position) heads = {nullptr, row, width, int64_t(heads_) * width};
    else heads = {nullptr, row, int64_t(positions) * width, width};
    numbers.resize(rows * row);
    memset(numbers.data(), 0xff, numbers.size() * sizeof(T));
    heads.numbers = numbers.data();
  }
  T* at(int row, int head, int position) { return numbers.data() + row * heads.row + head * heads.head + position * heads.position; }
  void fill(Random& random, int row, int head, int position, int width) {
    for (int i = 0; i < width; i++) at(row, head, position)[i] = T(random.next());
  }
};

/** Adds what one query finds in the positions first … last to the largest error, relative to the largest number found, of all results so far. */
template <typename T>
struct Comparison {
  double error = 0, largest = 0;

  void add(const T* result, const T* query, const Heads<T>& keys, const Heads<T>& values, int first, int last, int width) {
    const double scale = __int_as_float(SCALE_BITS);
    std::vector<double> products, found(width, 0.0);
    double top = -INFINITY, sum = 0;
    for (int p = first; p <= last; p++) {
      double product = 0;
      for (int i = 0; i < width; i++) product += double(float(query[i])) * float(keys[p][i]);
      products.push_back(product * scale);
      top = std::max(top, products.back());
    }
    for (int p = first; p <= last; p++) {
      const double weight = std::exp(products[p - first] - top);
      sum += weight;
      for (int i = 0; i < width; i++) found[i] += weight * float(values[p][i]);
    }
    for (int i = 0; i < width; i++) {
      const double difference = std::fabs(found[i] / sum - float(result[i]));
      error = difference <= error ? error : difference; // one that is not a number stays
      largest = std::max(largest, std::fabs(found[i] / sum));
    }
  }
  double relative() const { return error / largest; }
};

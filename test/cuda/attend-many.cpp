// Runs cases of shim/cuda/attend-many.cuh. A line of input is a case:
//
//   type D window queries keys tiles  rows heads kvHeads length positions
//
// and gives a line: the largest error, relative to the largest result, or what else is wrong.
#include "attend-cases.h"
#include "../../shim/cuda/attend-many.cuh"
#include <functional>
#include <iostream>
#include <map>
#include <sstream>
#include <string>

struct Case {
  int rows, heads, kv_heads, length, positions;
};

template <typename T, int D, int WINDOW, int QUERIES, int KEYS, int TILES>
struct Prefill {
  const Case& c;
  Tensor<T> queries, keys, values;

  explicit Prefill(const Case& c)
      : c(c), queries(c.rows, c.heads, c.length, D, true), keys(c.rows, c.kv_heads, c.positions + 40, D), values(c.rows, c.kv_heads, c.positions + 40, D) {
    Random random;
    for (int row = 0; row < c.rows; row++) {
      for (int head = 0; head < c.heads; head++)
        for (int i = 0; i < c.length; i++) queries.fill(random, row, head, i, D);
      for (int head = 0; head < c.kv_heads; head++)
        for (int p = 0; p < c.positions; p++) {
          keys.fill(random, row, head, p, D);
          values.fill(random, row, head, p, D);
        }
    }
  }

  /** The last `length` queries of the first `positions` positions, in the layout [rows, length, heads, D] or [rows, heads, length, D]. */
  template <bool BY_POSITION>
  Result<T> run(int row, int rows, int length, int positions, emulated::Order order) {
    using Shape = ManyShape<D, QUERIES, KEYS, TILES>;
    Result<T> out(size_t(rows) * c.heads * length * D);
    Heads<T> q = queries.heads.at(row, 0);
    q.numbers = q[positions - length - (c.positions - c.length)];
    emulated::launch({unsigned(length + QUERIES - 1) / QUERIES, unsigned(c.heads), unsigned(rows)}, {Shape::THREADS}, Shape::BYTES, order, [&] {
      attend_many<T, D, WINDOW, BY_POSITION, SCALE_BITS, QUERIES, KEYS, TILES>(q, keys.heads.at(row, 0), values.heads.at(row, 0),
                                                                              {c.heads, c.kv_heads, length, positions}, out.data());
    });
    out.check();
    return out;
  }

  const T* found(Result<T>& out, int row, int head, int query, int length) const { return out.data() + ((int64_t(row) * length + query) * c.heads + head) * D; }

  double compare(Result<T>& out) {
    Comparison<T> comparison;
    for (int row = 0; row < c.rows; row++)
      for (int head = 0; head < c.heads; head++)
        for (int i = 0; i < c.length; i++) {
          const int last = c.positions - c.length + i, kv_head = head / (c.heads / c.kv_heads);
          comparison.add(found(out, row, head, i, c.length), queries.at(row, head, i), keys.heads.at(row, kv_head), values.heads.at(row, kv_head),
                         WINDOW > 0 ? std::max(0, last + 1 - WINDOW) : 0, last, D);
        }
    return comparison.relative();
  }

  /** Whether the last row's queries from `from` to `to` alone give what they give among all. */
  bool same_in_chunk(Result<T>& out, int from, int to) {
    const int row = c.rows - 1, length = to - from;
    Result<T> chunk = run<true>(row, 1, length, c.positions - c.length + to, ORDERS[0]);
    for (int i = 0; i < length; i++)
      if (memcmp(found(chunk, 0, 0, i, length), found(out, row, 0, from + i, c.length), c.heads * D * sizeof(T)) != 0) return false;
    return true;
  }

  bool same_by_head(Result<T>& out) {
    Result<T> by_head = run<false>(0, c.rows, c.length, c.positions, ORDERS[0]);
    for (int row = 0; row < c.rows; row++)
      for (int head = 0; head < c.heads; head++)
        for (int i = 0; i < c.length; i++) {
          const T* other = by_head.data() + ((int64_t(row) * c.heads + head) * c.length + i) * D;
          if (memcmp(found(out, row, head, i, c.length), other, D * sizeof(T)) != 0) return false;
        }
    return true;
  }

  std::string check() {
    Result<T> out = run<true>(0, c.rows, c.length, c.positions, ORDERS[0]);
    if (!(run<true>(0, c.rows, c.length, c.positions, ORDERS[1]) == out)) return "results depend on the order of threads";
    if (!same_by_head(out)) return "the layouts differ by more than order";
    if (!same_in_chunk(out, 0, c.length)) return "a row alone is not what it is among others";
    if (!same_in_chunk(out, 0, (c.length + 1) / 2) || !same_in_chunk(out, c.length / 2, c.length)) return "a chunk's results depend on where it is cut";
    return std::to_string(compare(out));
  }
};

template <typename T, int D, int WINDOW, int QUERIES, int KEYS, int TILES>
std::string check(const Case& c) {
  return Prefill<T, D, WINDOW, QUERIES, KEYS, TILES>(c).check();
}

int main() {
  using H = __half;
  using B = __nv_bfloat16;
  const std::map<std::string, std::function<std::string(const Case&)>> kernels = {
      {"bf16 64 0 128 64 2", check<B, 64, 0, 128, 64, 2>},    {"f16 64 100 64 64 1", check<H, 64, 100, 64, 64, 1>},
      {"f16 80 0 64 64 1", check<H, 80, 0, 64, 64, 1>},       {"bf16 96 70 128 64 2", check<B, 96, 70, 128, 64, 2>},
      {"bf16 128 0 128 64 2", check<B, 128, 0, 128, 64, 2>},  {"f16 128 0 64 64 1", check<H, 128, 0, 64, 64, 1>},
      {"bf16 128 33 64 64 1", check<B, 128, 33, 64, 64, 1>},  {"bf16 256 0 64 32 1", check<B, 256, 0, 64, 32, 1>},
      {"f16 256 50 64 32 1", check<H, 256, 50, 64, 32, 1>},
  };
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream in(line);
    std::string type, d, window, queries, keys, tiles;
    Case c;
    in >> type >> d >> window >> queries >> keys >> tiles >> c.rows >> c.heads >> c.kv_heads >> c.length >> c.positions;
    const auto kernel = kernels.find(type + " " + d + " " + window + " " + queries + " " + keys + " " + tiles);
    std::cout << (kernel == kernels.end() ? "no such kernel" : kernel->second(c)) << std::endl;
  }
}

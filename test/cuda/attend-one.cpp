// Runs cases of shim/cuda/attend-one.cuh and attend-merge.cuh. A line of input is a case:
//
//   type D group window piece  kvHeads start splits length …     one length for each row: positions before the new one
//
// and gives a line: the largest error, relative to the largest result, or what else is wrong.
#include "attend-cases.h"
#include "../../shim/cuda/attend-one.cuh"
#include "../../shim/cuda/attend-merge.cuh"
#include <functional>
#include <iostream>
#include <map>
#include <sstream>
#include <string>

struct Case {
  int kv_heads, start, splits;
  std::vector<int> lengths;
};

template <typename T, int D, int GROUP, int WINDOW, int PIECE>
struct Decoding {
  const Case& c;
  Tensor<T> queries, keys, values;

  int span() const { return *std::max_element(c.lengths.begin(), c.lengths.end()) + 1; }
  int first(int length) const { return std::max(c.start, WINDOW > 0 ? length + 1 - WINDOW : 0); }

  explicit Decoding(const Case& c)
      : c(c), queries(c.lengths.size(), c.kv_heads * GROUP, 1, D), keys(c.lengths.size(), c.kv_heads, span() + 40, D),
        values(c.lengths.size(), c.kv_heads, span() + 40, D) {
    Random random;
    for (int row = 0; row < int(c.lengths.size()); row++)
      for (int head = 0; head < c.kv_heads; head++) {
        for (int i = 0; i < GROUP; i++) queries.fill(random, row, head * GROUP + i, 0, D);
        for (int p = first(c.lengths[row]); p <= c.lengths[row]; p++) {
          keys.fill(random, row, head, p, D);
          values.fill(random, row, head, p, D);
        }
      }
  }

  Heads<T> view(const Tensor<T>& of, int row) const { return {of.heads.at(row, 0)[c.start], of.heads.row, of.heads.head, of.heads.position}; }

  /** Attention of the `rows` rows from `row` on, as the host launches it. */
  Result<T> run(int row, int rows, int splits, int positions, emulated::Order order) {
    const unsigned heads = c.kv_heads * GROUP, pieces = (positions + PIECE - 1) / PIECE - c.start / PIECE;
    const dim3 grid = {unsigned(splits), unsigned(c.kv_heads), unsigned(rows)};
    const int* lengths = c.lengths.data() + row;
    const Heads<T> q = queries.heads.at(row, 0), k = view(keys, row), v = view(values, row);
    Result<T> out(rows * heads * D);
    if (pieces == 1) {
      emulated::launch(grid, {32 * ONE_WARPS}, 0, order,
                       [&] { attend_one<T, D, GROUP, WINDOW, PIECE, SCALE_BITS>(q, k, v, lengths, c.start, WholeResult<T>{out.data()}); });
    } else {
      Result<float> found(rows * heads * pieces * D), scales(rows * heads * pieces * 2);
      const PieceResults results = {found.data(), scales.data(), int(pieces)};
      emulated::launch(grid, {32 * ONE_WARPS}, 0, order, [&] { attend_one<T, D, GROUP, WINDOW, PIECE, SCALE_BITS>(q, k, v, lengths, c.start, results); });
      emulated::launch({1, heads, unsigned(rows)}, {D / 4, STRANDS}, 0, order,
                       [&] { attend_merge<T, D, WINDOW, PIECE>(found.data(), scales.data(), lengths, c.start, pieces, out.data()); });
      found.check();
      scales.check();
    }
    out.check();
    return out;
  }

  double compare(const Result<T>& out) {
    Comparison<T> comparison;
    for (int row = 0; row < int(c.lengths.size()); row++)
      for (int head = 0; head < c.kv_heads * GROUP; head++)
        comparison.add(out.numbers.data() + (row * c.kv_heads * GROUP + head) * D, queries.at(row, head, 0), keys.heads.at(row, head / GROUP),
                       values.heads.at(row, head / GROUP), first(c.lengths[row]), c.lengths[row], D);
    return comparison.relative();
  }

  std::string check() {
    const int rows = c.lengths.size();
    Result<T> out = run(0, rows, c.splits, span(), ORDERS[0]);
    if (!(run(0, rows, c.splits + 1, span() + 33, ORDERS[1]) == out)) return "results depend on the order of threads, on splits or on the span";
    const size_t size = c.kv_heads * GROUP * D;
    for (int row = 0; row < rows && rows > 1; row++) {
      const Result<T> alone = run(row, 1, c.splits + 2, c.lengths[row] + 1, ORDERS[0]);
      if (memcmp(alone.numbers.data(), out.data() + row * size, size * sizeof(T)) != 0) return "a row alone is not what it is among others";
    }
    return std::to_string(compare(out));
  }
};

template <typename T, int D, int GROUP, int WINDOW, int PIECE>
std::string check(const Case& c) {
  return Decoding<T, D, GROUP, WINDOW, PIECE>(c).check();
}

int main() {
  using H = __half;
  using B = __nv_bfloat16;
  const std::map<std::string, std::function<std::string(const Case&)>> kernels = {
      {"bf16 64 1 0 64", check<B, 64, 1, 0, 64>},     {"bf16 64 4 0 128", check<B, 64, 4, 0, 128>},
      {"f16 80 2 0 64", check<H, 80, 2, 0, 64>},      {"bf16 96 8 0 64", check<B, 96, 8, 0, 64>},
      {"bf16 128 2 0 128", check<B, 128, 2, 0, 128>}, {"f16 128 4 0 128", check<H, 128, 4, 0, 128>},
      {"bf16 128 8 70 64", check<B, 128, 8, 70, 64>}, {"f16 64 2 100 128", check<H, 64, 2, 100, 128>},
      {"bf16 256 8 0 128", check<B, 256, 8, 0, 128>}, {"bf16 256 16 0 64", check<B, 256, 16, 0, 64>},
      {"f16 128 12 0 64", check<H, 128, 12, 0, 64>},
  };
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream in(line);
    std::string type, d, group, window, piece;
    Case c;
    in >> type >> d >> group >> window >> piece >> c.kv_heads >> c.start >> c.splits;
    for (int length; in >> length;) c.lengths.push_back(length);
    const auto kernel = kernels.find(type + " " + d + " " + group + " " + window + " " + piece);
    std::cout << (kernel == kernels.end() ? "no such kernel" : kernel->second(c)) << std::endl;
  }
}

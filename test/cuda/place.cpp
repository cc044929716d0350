// Runs cases of shim/cuda/place.cuh. A line of input is a case:
//
//   type D heads kvHeads norm dims traditional  length offset …     one offset for each row
//
// and gives a line: the largest error, relative to the largest result, or what else is wrong.
#include "cases.h"
#include "../../shim/cuda/place.cuh"
#include <functional>
#include <iostream>
#include <map>
#include <sstream>
#include <string>

constexpr int EPS_BITS = 0x3a83126f, WARPS = 4; // 0.001
constexpr int SPARE = 5;                        // positions of a slab behind the last that is written

struct Case {
  int length;
  std::vector<int> offsets;
};

template <typename T, int D, int HEADS, int KV_HEADS, bool NORM, int DIMS, bool TRADITIONAL>
struct Placing {
  static constexpr int TURNED = HEADS + KV_HEADS, ALL = TURNED + KV_HEADS;
  const Case& c;
  const int rows = c.offsets.size(), capacity = *std::max_element(c.offsets.begin(), c.offsets.end()) + c.length + SPARE;
  std::vector<T> projected, gains;
  std::vector<float> angles;

  explicit Placing(const Case& c) : c(c), projected(rows * c.length * ALL * D), gains(NORM ? TURNED * D : 0), angles(DIMS / 2) {
    Random random;
    for (T& number : projected) number = T(random.next());
    for (T& gain : gains) gain = T(1 + random.next() / 4);
    for (int i = 0; i < DIMS / 2; i++) angles[i] = std::pow(10000.0, -2.0 * i / DIMS);
  }

  /** What the kernel writes: queries, and slabs with gaps between rows and heads. Untouched numbers are those of a new `Result`. */
  struct Written {
    Result<T> queries, keys, values;
    bool operator==(const Written& other) const { return queries == other.queries && keys == other.keys && values == other.values; }
  };
  int64_t head_stride() const { return int64_t(capacity) * D + 16; }
  int64_t row_stride() const { return KV_HEADS * head_stride() + 48; }

  Written run(int row, int count, emulated::Order order) {
    const size_t slab = count * row_stride();
    Written out = {Result<T>(count * HEADS * c.length * D), Result<T>(slab), Result<T>(slab)};
    const Heads<T> from = {projected.data() + row * c.length * ALL * D, int64_t(c.length) * ALL * D, D, ALL * D};
    const Heads<T> keys = {out.keys.data(), row_stride(), head_stride(), D}, values = {out.values.data(), row_stride(), head_stride(), D};
    emulated::launch({(ALL + WARPS - 1) / WARPS, unsigned(c.length), unsigned(count)}, {32, WARPS}, 0, order, [&] {
      place_heads<T, D, HEADS, KV_HEADS, NORM, DIMS, TRADITIONAL, EPS_BITS, WARPS>(from, gains.data(), angles.data(), c.offsets.data() + row,
                                                                                 out.queries.data(), keys, values);
    });
    for (const Result<T>* result : {&out.queries, &out.keys, &out.values}) result->check();
    return out;
  }

  /** A head as it is defined to become, in double precision. */
  std::vector<double> exact(int row, int at, int head) const {
    const T* from = projected.data() + ((row * c.length + at) * ALL + head) * D;
    std::vector<double> x(D);
    for (int i = 0; i < D; i++) x[i] = float(from[i]);
    if (head >= TURNED) return x;
    double squares = 0;
    for (double number : x) squares += number * number;
    for (int i = 0; NORM && i < D; i++) x[i] *= float(gains[head * D + i]) / std::sqrt(squares / D + __int_as_float(EPS_BITS));
    std::vector<double> turned = x;
    for (int pair = 0; pair < DIMS / 2; pair++) {
      const int first = TRADITIONAL ? 2 * pair : pair, second = TRADITIONAL ? 2 * pair + 1 : pair + DIMS / 2;
      const double angle = float(c.offsets[row] + at) * angles[pair]; // rounded, as positions and angles are float32
      turned[first] = x[first] * std::cos(angle) - x[second] * std::sin(angle);
      turned[second] = x[second] * std::cos(angle) + x[first] * std::sin(angle);
    }
    return turned;
  }

  /** Compares every head with its definition and returns it to the untouched state, so that nothing else may remain. */
  double compare(Written& out) const {
    double error = 0, largest = 0;
    const Result<T> untouched(D);
    for (int row = 0; row < rows; row++)
      for (int at = 0; at < c.length; at++)
        for (int head = 0; head < ALL; head++) {
          const int64_t position = int64_t(c.offsets[row] + at) * D, kv_head = (head - HEADS) % KV_HEADS;
          T* result = head < HEADS ? out.queries.data() + ((int64_t(row) * HEADS + head) * c.length + at) * D
                                   : (head < TURNED ? out.keys : out.values).data() + row * row_stride() + kv_head * head_stride() + position;
          const std::vector<double> wanted = exact(row, at, head);
          for (int i = 0; i < D; i++) {
            const double difference = std::fabs(wanted[i] - float(result[i]));
            error = difference <= error ? error : difference; // one that is not a number stays
            largest = std::max(largest, std::fabs(wanted[i]));
          }
          memcpy(result, untouched.numbers.data(), D * sizeof(T));
        }
    return error / largest;
  }

  std::string check() {
    Written out = run(0, rows, ORDERS[0]);
    if (!(run(0, rows, ORDERS[1]) == out)) return "results depend on the order of threads";
    const size_t queries = HEADS * c.length * D;
    for (int row = 0; row < rows; row++) {
      const Written alone = run(row, 1, ORDERS[0]);
      if (memcmp(alone.queries.numbers.data(), out.queries.data() + row * queries, queries * sizeof(T)) != 0 ||
          memcmp(alone.keys.numbers.data(), out.keys.data() + row * row_stride(), row_stride() * sizeof(T)) != 0)
        return "a row alone is not what it is among others";
    }
    const double error = compare(out);
    const size_t slab = rows * row_stride();
    if (!(out == Written{Result<T>(rows * queries), Result<T>(slab), Result<T>(slab)})) return "something is written beside the heads";
    return std::to_string(error);
  }
};

template <typename T, int D, int HEADS, int KV_HEADS, bool NORM, int DIMS, bool TRADITIONAL>
std::string check(const Case& c) {
  return Placing<T, D, HEADS, KV_HEADS, NORM, DIMS, TRADITIONAL>(c).check();
}

int main() {
  using H = __half;
  using B = __nv_bfloat16;
  const std::map<std::string, std::function<std::string(const Case&)>> kernels = {
      {"bf16 128 4 2 1 128 0", check<B, 128, 4, 2, true, 128, false>}, {"bf16 64 3 1 0 64 0", check<B, 64, 3, 1, false, 64, false>},
      {"f16 80 2 2 0 32 0", check<H, 80, 2, 2, false, 32, false>},     {"f16 96 4 1 1 24 0", check<H, 96, 4, 1, true, 24, false>},
      {"bf16 256 2 1 1 64 0", check<B, 256, 2, 1, true, 64, false>},   {"bf16 64 2 1 1 64 1", check<B, 64, 2, 1, true, 64, true>},
      {"f16 128 2 2 0 40 1", check<H, 128, 2, 2, false, 40, true>},    {"f16 64 5 1 1 0 0", check<H, 64, 5, 1, true, 0, false>},
      {"bf16 80 2 1 0 0 0", check<B, 80, 2, 1, false, 0, false>},
  };
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream in(line);
    std::string type, d, heads, kv_heads, norm, dims, traditional;
    Case c;
    in >> type >> d >> heads >> kv_heads >> norm >> dims >> traditional >> c.length;
    for (int offset; in >> offset;) c.offsets.push_back(offset);
    const auto kernel = kernels.find(type + " " + d + " " + heads + " " + kv_heads + " " + norm + " " + dims + " " + traditional);
    std::cout << (kernel == kernels.end() ? "no such kernel" : kernel->second(c)) << std::endl;
  }
}

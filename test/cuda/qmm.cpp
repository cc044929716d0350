// Runs cases of shim/cuda/qmm.cuh. A line of input is a case:
//
//   type bits group split  outputs groups rows …     `groups` of numbers make an output's row of the matrix
//
// and gives a line: the largest error, relative to the largest result, or what else is wrong.
#include "cases.h"
#include "../../shim/cuda/qmm.cuh"
#include <functional>
#include <iostream>
#include <map>
#include <sstream>
#include <string>

struct Case {
  int outputs, groups;
  std::vector<int> rows;
};

template <typename T, int BITS, int GROUP, int SPLIT>
struct Product {
  const int outputs, inputs, most_rows;
  std::vector<T> x, scales, zeros;
  std::vector<uint32_t> w;

  explicit Product(const Case& c)
      : outputs(c.outputs), inputs(c.groups * GROUP), most_rows(*std::max_element(c.rows.begin(), c.rows.end())), x(most_rows * inputs),
        scales(outputs * c.groups), zeros(outputs * c.groups), w(outputs * inputs * BITS / 32) {
    Random random;
    for (T& number : x) number = T(random.next());
    for (T& scale : scales) scale = T(random.next() / (1 << BITS));
    for (T& zero : zeros) zero = T(random.next());
    for (uint32_t& word : w) word = random.bits();
  }

  template <int TILES>
  Result<T> run(int first, int rows, emulated::Order order) {
    Result<T> out(rows * outputs);
    const unsigned width = 16 * 8 / SPLIT, height = 8 * TILES;
    const dim3 grid = {(outputs + width - 1) / width, (rows + height - 1) / height, 1};
    const T* from = x.data() + first * inputs;
    emulated::launch(grid, {32 * 8}, 0, order, [&] {
      quantized_matmul<T, BITS, GROUP, TILES, SPLIT>(from, w.data(), scales.data(), zeros.data(), out.data(), rows, outputs, inputs);
    });
    out.check();
    return out;
  }

  /** By the definition, in double precision. */
  double exact(int row, int output) const {
    double sum = 0;
    for (int i = 0; i < inputs; i++) {
      const int place = (output * inputs + i) * BITS, group = (output * inputs + i) / GROUP;
      const uint32_t number = w[place / 32] >> place % 32 & ((1u << BITS) - 1);
      sum += double(float(x[row * inputs + i])) * (double(float(scales[group])) * number + float(zeros[group]));
    }
    return sum;
  }

  double compare(const Result<T>& out) const {
    double error = 0, largest = 0;
    for (int row = 0; row < most_rows; row++)
      for (int output = 0; output < outputs; output++) {
        const double wanted = exact(row, output), difference = std::fabs(wanted - float(out.numbers[row * outputs + output]));
        error = difference <= error ? error : difference; // one that is not a number stays
        largest = std::max(largest, std::fabs(wanted));
      }
    return error / largest;
  }

  std::string check(const std::vector<int>& counts) {
    const Result<T> all = run<1>(0, most_rows, ORDERS[0]);
    for (int rows : counts) {
      const int first = most_rows - rows;
      for (const Result<T>& some : {run<1>(first, rows, ORDERS[1]), run<2>(first, rows, ORDERS[0]), run<4>(first, rows, ORDERS[1])})
        if (memcmp(some.numbers.data(), all.numbers.data() + first * outputs, rows * outputs * sizeof(T)) != 0)
          return "a row's result depends on the number of rows, on tiles or on the order of threads";
    }
    return std::to_string(compare(all));
  }
};

using Kernels = std::map<std::string, std::function<std::string(const Case&)>>;

template <typename T, int BITS, int GROUP, int SPLIT>
void add(Kernels& kernels, const std::string& type) {
  const std::string name = type + " " + std::to_string(BITS) + " " + std::to_string(GROUP) + " " + std::to_string(SPLIT);
  kernels[name] = [](const Case& c) { return Product<T, BITS, GROUP, SPLIT>(c).check(c.rows); };
}

template <typename T, int BITS>
void add_all(Kernels& kernels, const std::string& type) {
  add<T, BITS, 32, 2>(kernels, type);
  add<T, BITS, 32, 8>(kernels, type);
  add<T, BITS, 64, 2>(kernels, type);
  add<T, BITS, 64, 8>(kernels, type);
  add<T, BITS, 128, 2>(kernels, type);
  add<T, BITS, 128, 8>(kernels, type);
}

int main() {
  Kernels kernels;
  add_all<__nv_bfloat16, 4>(kernels, "bf16");
  add_all<__nv_bfloat16, 8>(kernels, "bf16");
  add_all<__half, 4>(kernels, "f16");
  add_all<__half, 8>(kernels, "f16");
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream in(line);
    std::string type, bits, group, split;
    Case c;
    in >> type >> bits >> group >> split >> c.outputs >> c.groups;
    for (int rows; in >> rows;) c.rows.push_back(rows);
    const auto kernel = kernels.find(type + " " + bits + " " + group + " " + split);
    std::cout << (kernel == kernels.end() ? "no such kernel" : kernel->second(c)) << std::endl;
  }
}

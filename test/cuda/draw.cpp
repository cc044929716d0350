// Runs cases of shim/cuda/draw.cuh. A line of input is a case:
//
//   vocabulary logits temperature topP topK minP
//
// and gives "right" if the ids drawn with many numbers are those of the definition, or what is wrong.
#include "cases.h"
#include "../../shim/cuda/draw.cuh"
#include <functional>
#include <iostream>
#include <map>
#include <numeric>
#include <sstream>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

constexpr float DRAWS[] = {0, 0.03f, 0.5f, 0.83f, 1 - 0x1p-22f};
constexpr double ROUNDING = 1e-5; // of a cumulative sum: nearer to a border both neighbours are right

/** Numbers that end where a page begins which nobody may read. */
class Guarded {
  size_t size, bytes;
  char* pages;

public:
  explicit Guarded(size_t size) : size(size) {
    const size_t page = sysconf(_SC_PAGESIZE);
    bytes = (size * sizeof(float) + page - 1) / page * page;
    pages = static_cast<char*>(mmap(nullptr, bytes + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(pages + bytes, page, PROT_NONE);
  }
  Guarded(const Guarded&) = delete;
  ~Guarded() { munmap(pages, bytes + sysconf(_SC_PAGESIZE)); }
  float* data() { return reinterpret_cast<float*>(pages + bytes) - size; }
};

using Logits = std::vector<float>;

const std::map<std::string, std::function<float(Random&, int)>> KINDS = {
    {"random", [](Random& random, int) { return 3 * random.next(); }},
    {"near", [](Random& random, int) { return random.next() / 50; }}, // in one bucket of the first pass, or few
    {"peaked", [](Random& random, int id) { return id == 3 ? 25.0f : 2 * random.next(); }},
    {"flat", [](Random&, int) { return 0.7f; }},
    {"tied", [](Random& random, int) { return std::round(2 * random.next()) / 2; }},
    {"masked", [](Random& random, int id) { return random.bits() % 10 == 0 || id == 1 ? 2 * random.next() : -INFINITY; }},
    {"one", [](Random&, int id) { return id == 2 ? -5.0f : -INFINITY; }},
    {"none", [](Random&, int) { return -INFINITY; }},
    {"broken", [](Random&, int) { return NAN; }},
    {"infinite", [](Random& random, int id) { return id == 4 ? INFINITY : random.next(); }},
    {"holed", [](Random& random, int id) { return id % 3 == 0 ? NAN : 2 * random.next(); }},
};

struct Case {
  Logits logits;
  DrawOptions options;

  std::vector<uint32_t> run(const std::vector<const Case*>& rows, emulated::Order order) const {
    const int count = logits.size();
    Guarded all(rows.size() * count), options(rows.size() * 5);
    for (size_t i = 0; i < rows.size(); i++) {
      std::copy(rows[i]->logits.begin(), rows[i]->logits.end(), all.data() + i * count);
      memcpy(options.data() + 5 * i, &rows[i]->options, sizeof(DrawOptions));
    }
    Result<uint32_t> ids(rows.size());
    emulated::launch({unsigned(rows.size())}, {DRAW_THREADS}, 0, order, [&] { draw(all.data(), options.data(), ids.data(), count); });
    ids.check();
    return {ids.numbers.begin(), ids.numbers.begin() + rows.size()};
  }

  /** Ids with a probability, likeliest first, equals in their order. */
  std::vector<int> sorted() const {
    std::vector<int> ids;
    for (int id = 0; id < int(logits.size()); id++)
      if (logits[id] > -INFINITY) ids.push_back(id); // not-a-numbers are left out as well
    std::stable_sort(ids.begin(), ids.end(), [&](int a, int b) { return logits[a] > logits[b]; });
    return ids;
  }

  double weight(int id, float top) const { return std::exp((double(logits[id]) - top) / options.temperature); }

  /** How many of `ids` pass; `error` moves what sums and weights are compared with. */
  size_t passing(const std::vector<int>& ids, double error) const {
    double total = 0, before = 0;
    for (int id : ids) total += weight(id, logits[ids[0]]);
    size_t n = 0;
    for (; n < ids.size(); n++) {
      const double own = weight(ids[n], logits[ids[0]]);
      const bool passes = (options.top_p >= 1 || before < (options.top_p + error) * total) && (options.top_k < 1 || n < options.top_k) &&
                          (options.min_p <= 0 || own >= options.min_p * (1 - error));
      if (n > 0 && !passes) break;
      before += own;
    }
    return n;
  }

  /** Whether the inverse of the cumulative distribution over `ids` gives this one, in the order in which threads hold ids. */
  bool draws(std::vector<int> ids, uint32_t drawn) const {
    const float top = logits[ids[0]];
    std::sort(ids.begin(), ids.end(), [](int a, int b) { return std::pair(a / 4 % 1024, a) < std::pair(b / 4 % 1024, b); });
    double total = 0, before = 0;
    for (int id : ids) total += weight(id, top);
    for (int id : ids) {
      const double own = weight(id, top);
      if (uint32_t(id) == drawn) return own > 0 && before / total <= options.draw + ROUNDING && (before + own) / total >= options.draw - ROUNDING;
      before += own;
    }
    return false;
  }

  bool right(uint32_t drawn) const {
    const std::vector<int> ids = sorted();
    if (ids.empty() || options.temperature == 0 || logits[ids[0]] == INFINITY) return drawn == uint32_t(ids.empty() ? 0 : ids[0]);
    for (size_t n = passing(ids, -1e-6), most = passing(ids, 1e-6); n <= most; n++)
      if (draws({ids.begin(), ids.begin() + n}, drawn)) return true;
    return false;
  }

  /** With every number of DRAWS: alone, and among the others and another row, with threads turned round. */
  std::string check() const {
    std::vector<Case> rows;
    Case other = {logits, {1.3f, 0.8f, 7, 0, 0.4f}};
    std::reverse(other.logits.begin(), other.logits.end());
    rows.push_back(other);
    for (float draw : DRAWS) {
      rows.push_back(*this);
      rows.back().options.draw = draw;
    }
    std::vector<const Case*> together;
    for (const Case& row : rows) together.push_back(&row);
    const std::vector<uint32_t> ids = run(together, ORDERS[0]);
    for (size_t i = 0; i < rows.size(); i++) {
      const std::string where = " with draw " + std::to_string(rows[i].options.draw);
      if (run({&rows[i]}, ORDERS[1])[0] != ids[i]) return "a row alone is not what it is among others" + where;
      if (!rows[i].right(ids[i])) return "wrong id " + std::to_string(ids[i]) + where;
    }
    return "right";
  }
};

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream in(line);
    Case c = {};
    int vocabulary;
    std::string kind;
    in >> vocabulary >> kind >> c.options.temperature >> c.options.top_p >> c.options.top_k >> c.options.min_p;
    Random random;
    for (int id = 0; id < vocabulary; id++) c.logits.push_back(KINDS.at(kind)(random, id));
    std::cout << c.check() << std::endl;
  }
}

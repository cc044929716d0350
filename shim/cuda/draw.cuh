// The next id of each row: drawn from softmax(logits / temperature) within the limits of top-k, nucleus (Holtzman et al. 2020) and min-p (Nguyen
// et al. 2024), or the likeliest one. A block serves a row and nothing is sorted: a row is read once for its maximum, up to four times for its
// limits (twice more where equals must be told apart), and once for the draw.
//
// An id's probability is known by its distance from the likeliest: how often that one's is halved. Each option lets the ids up to some distance
// pass, so a row has one limit, the least of them. Top-k and top-p find theirs by selection with counts and masses in buckets of distances, 11
// bits at a time. Ids equally far, up to 2^-26 of a halving, are in the order of ids, which is a stable sort's.
//
// Sums that cross threads are whole numbers: their order has no influence, and a row's id does not depend on other rows. The draw inverts the
// cumulative distribution in the order in which threads hold ids: those of a thread ascending, thread after thread.
#pragma once
#include "ptx.cuh"

constexpr int DRAW_THREADS = 1024, DRAW_WARPS = DRAW_THREADS / 32;
constexpr int BUCKET_BITS = 11, BUCKETS = 1 << BUCKET_BITS;
constexpr int ID_BITS = 21;                   // of the largest vocabulary
constexpr float FARTHEST = 64;                // halvings: what is farther has no probability
constexpr uint32_t UNREACHABLE = 0xffffffffu; // key of that

struct DrawOptions {
  float temperature, top_p, top_k, min_p, draw; // 0 chooses the likeliest; 1 or more, 0 and 0 are off; in [0, 1)
};

/** A distance as a whole number; that of a not-a-number is unreachable. */
__device__ inline uint32_t key_of(float distance) {
  return distance < FARTHEST ? uint32_t(fmaxf(distance, 0) * (1 << 26)) : UNREACHABLE;
}

/** A sum of weights, of which the likeliest id has 1, as a whole number. */
__device__ inline uint64_t mass_of(float weights) { return uint64_t(weights * 0x1p40f); }
__device__ inline float weights_of(uint64_t mass) { return float(mass) * 0x1p-40f; }

/** A row of logits, seen from the likeliest. */
struct Distribution {
  const float* logits;
  int count;
  float top = 0, steepness = 0; // halvings for each unit of a logit

  __device__ float distance(float logit) const { return (top - logit) * steepness; }
  __device__ uint32_t key(float logit) const { return key_of(distance(logit)); }
  __device__ float weight(float logit) const { return fast_exp2(-distance(logit)); }

  /** Four neighbours; -∞ where the row has ended. */
  __device__ float4 four(int id) const {
    const float* from = logits + id;
    if (id + 4 <= count && reinterpret_cast<uintptr_t>(from) % 16 == 0) return __ldg(reinterpret_cast<const float4*>(from));
    const float none = __uint_as_float(0xff800000u);
    return make_float4(id < count ? from[0] : none, id + 1 < count ? from[1] : none, id + 2 < count ? from[2] : none, id + 3 < count ? from[3] : none);
  }

  /** Visits this thread's ids and their logits in ascending order; some more at the end, with -∞. Neighbouring threads have neighbouring fours. */
  template <typename Visit>
  __device__ void each(Visit visit) const {
    constexpr int AHEAD = 2, STEP = 4 * DRAW_THREADS; // fours that are on their way together
    for (int first = 4 * threadIdx.x; first < count; first += AHEAD * STEP) {
      float4 logits[AHEAD];
#pragma unroll
      for (int i = 0; i < AHEAD; i++) logits[i] = four(first + i * STEP);
#pragma unroll
      for (int i = 0; i < AHEAD; i++) {
        const int id = first + i * STEP;
        visit(id, logits[i].x);
        visit(id + 1, logits[i].y);
        visit(id + 2, logits[i].z);
        visit(id + 3, logits[i].w);
      }
    }
  }
};

/** Ids that pass: those nearer than `key`, and of those that are as far the ones up to `last`. */
struct Limit {
  uint32_t key;
  int last;
  __device__ bool passes(int id, uint32_t own) const { return own < key || (own == key && id <= last); }
};

/** The weight of this thread's ids that pass. */
__device__ inline float weight_within(const Distribution& row, const Limit& limit) {
  float sum = 0;
  row.each([&](int id, float logit) {
    if (limit.passes(id, row.key(logit))) sum += row.weight(logit);
  });
  return sum;
}

__device__ inline uint64_t scan_warp(uint64_t own) { // inclusive
  const int lane = threadIdx.x % 32;
#pragma unroll
  for (int distance = 1; distance < 32; distance *= 2) {
    const uint64_t before = __shfl_up_sync(0xffffffffu, own, distance);
    if (lane >= distance) own += before;
  }
  return own;
}

/** The sum of the threads before this one, and that of all. */
__device__ inline uint64_t sum_before(uint64_t own, uint64_t& total) {
  __shared__ uint64_t warps[DRAW_WARPS];
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  const uint64_t upto = scan_warp(own);
  __syncthreads(); // an earlier sum has been read
  if (lane == 31) warps[warp] = upto;
  __syncthreads();
  const uint64_t warps_upto = scan_warp(warps[lane]);
  total = __shfl_sync(0xffffffffu, warps_upto, 31);
  const uint64_t before = __shfl_sync(0xffffffffu, warps_upto, max(warp - 1, 0));
  return (warp > 0 ? before : 0) + upto - own;
}

/** The id of the largest logit, the first of equals; 0 where no logit is a number. */
__device__ inline int likeliest(const Distribution& row) {
  __shared__ uint64_t warps[DRAW_WARPS];
  float most = __uint_as_float(0xff800000u);
  int own = 0;
  row.each([&](int id, float logit) {
    if (logit > most) most = logit, own = id;
  });
  const uint32_t bits = __float_as_uint(most + 0.0f); // a negative zero equals the other
  const uint32_t order = bits >> 31 ? ~bits : bits | 0x80000000u;
  uint64_t best = uint64_t(order) << 32 | ~uint32_t(own);
  const auto best_of_warp = [&] {
#pragma unroll
    for (int distance = 16; distance > 0; distance /= 2) best = max(best, __shfl_xor_sync(0xffffffffu, best, distance));
  };
  best_of_warp();
  if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = best;
  __syncthreads();
  best = warps[threadIdx.x % 32];
  best_of_warp();
  return int(~uint32_t(best));
}

/** Counts and masses of ids by distance. Masses are two words, for shared memory adds no more at once. */
struct Buckets {
  uint32_t counts[BUCKETS], low[BUCKETS], high[BUCKETS];

  __device__ void clear() {
    for (int i = threadIdx.x; i < BUCKETS; i += DRAW_THREADS) counts[i] = low[i] = high[i] = 0;
  }
  __device__ void add_mass(int bucket, uint64_t mass) {
    const uint32_t word = uint32_t(mass), carry = atomicAdd(&low[bucket], word) > ~word;
    if (const uint32_t rest = uint32_t(mass >> 32) + carry) atomicAdd(&high[bucket], rest);
  }
  __device__ uint64_t mass(int bucket) const { return uint64_t(high[bucket]) << 32 | low[bucket]; }
};

/** What top-k and top-p let pass: ids in order until there are so many, or until they have so much. */
struct Enough {
  uint64_t count, mass;
  bool by_mass;
  __device__ bool reached(uint64_t counted, uint64_t gathered) const { return counted >= count || (by_mass && gathered >= mass); }
};

/** The bucket in which enough is reached, and what lies before and in it. */
struct Crossing {
  int bucket;
  uint64_t count_before, mass_before, count, mass;
};

/** False if there is not enough in all buckets; `at` has what lies before them and gets what was found. */
__device__ inline bool find_crossing(const Buckets& buckets, const Enough& enough, Crossing& at) {
  __shared__ Crossing found;
  constexpr int OWN = BUCKETS / DRAW_THREADS;
  const int first = OWN * threadIdx.x;
  uint64_t count = 0, mass = 0, total;
  for (int i = first; i < first + OWN; i++) count += buckets.counts[i], mass += buckets.mass(i);
  count = at.count_before + sum_before(count, total);
  mass = at.mass_before + sum_before(mass, total);
  if (threadIdx.x == 0) found.bucket = -1;
  __syncthreads();
  for (int i = first; i < first + OWN && !enough.reached(count, mass); i++) {
    const Crossing here = {i, count, mass, buckets.counts[i], buckets.mass(i)};
    count += here.count;
    mass += here.mass;
    if (enough.reached(count, mass)) found = here;
  }
  __syncthreads();
  if (found.bucket >= 0) at = found;
  return found.bucket >= 0;
}

__device__ inline Buckets& shared_buckets() {
  __shared__ Buckets buckets;
  return buckets;
}

/**
 * Where enough ids have passed, when they pass in the order of `key(id, logit)`: the last key, and what was found with it; nothing if there is
 * not enough. Unreachable keys take no part; all others are below 2^(first_shift + BUCKET_BITS).
 */
template <typename Key>
__device__ inline bool select(const Distribution& row, const Enough& enough, int first_shift, Key key, uint32_t& last, Crossing& at) {
  Buckets& buckets = shared_buckets();
  at = {0, 0, 0, 0, 0};
  uint32_t begin = 0, span = UNREACHABLE - 1; // of the bucket that is searched: the last key in it is begin + span
  for (int shift = first_shift;; shift = max(shift - BUCKET_BITS, 0)) {
    buckets.clear();
    __syncthreads();
    row.each([&](int id, float logit) {
      const uint32_t place = key(id, logit) - begin;
      if (place > span) return;
      atomicAdd(&buckets.counts[place >> shift], 1u);
      if (enough.by_mass) buckets.add_mass(place >> shift, mass_of(row.weight(logit)));
    });
    __syncthreads();
    if (!find_crossing(buckets, enough, at)) return false;
    begin += uint32_t(at.bucket) << shift;
    span = (1u << shift) - 1;
    last = begin + span;
    if (shift == 0 || at.count == 1) return true;
  }
}

/** Where, of the ids within `limit`, enough have passed. Of equals the first pass that are still needed. */
__device__ inline Limit select_by_distance(const Distribution& row, const Limit& limit, const Enough& enough) {
  Crossing equals;
  uint32_t key;
  const auto key_within = [&](int, float logit) { return row.key(logit) <= limit.key ? row.key(logit) : UNREACHABLE; };
  if (!select(row, enough, 32 - BUCKET_BITS, key_within, key, equals)) return limit;
  key = min(key, limit.key);
  uint64_t passing = enough.count - equals.count_before;
  const uint64_t mass = equals.mass / equals.count;
  if (enough.by_mass && mass > 0) passing = min(passing, (enough.mass - equals.mass_before + mass - 1) / mass);
  if (passing >= equals.count) return {key, row.count};
  uint32_t last = 0;
  const auto id_of_equal = [&](int id, float logit) { return row.key(logit) == key ? uint32_t(id) : UNREACHABLE; };
  select(row, {passing, 0, false}, ID_BITS - BUCKET_BITS, id_of_equal, last, equals);
  return {key, int(last)};
}

/** What passes all options of a row. */
__device__ inline Limit limit_of(const Distribution& row, const DrawOptions& options) {
  Limit limit = {UNREACHABLE - 1, row.count};
  Enough enough = {options.top_k >= 1 ? uint64_t(options.top_k) : uint64_t(row.count), 0, options.top_p < 1};
  const auto lower = [&](float distance) { limit.key = min(limit.key, key_of(distance)); };
  if (enough.by_mass) {
    uint64_t total;
    sum_before(mass_of(weight_within(row, limit)), total);
    enough.mass = max(uint64_t(ceil(double(total) * options.top_p)), uint64_t(1));
    // Ids so improbable that a whole row of them would have half of what top-p leaves out: hardly any other needs a bucket.
    lower(log2f(2.0f * row.count / ((1 - options.top_p) * weights_of(total))));
  }
  if (options.min_p > 0) lower(-log2f(options.min_p));
  return enough.by_mass || options.top_k >= 1 ? select_by_distance(row, limit, enough) : limit;
}

/** The first id whose cumulative weight exceeds `draw` of the whole; `otherwise` where there is no weight. The answer is one thread's. */
template <typename Answer>
__device__ inline void invert(const Distribution& row, const Limit& limit, float draw, int otherwise, Answer answer) {
  uint64_t total;
  const uint64_t own = mass_of(weight_within(row, limit)), before = sum_before(own, total);
  const uint64_t wanted = uint64_t(double(total) * draw);
  if (total == 0 && threadIdx.x == 0) answer(otherwise);
  if (wanted < before || wanted >= before + own) return;
  float sum = 0;
  int drawn = otherwise;
  bool exceeded = false;
  row.each([&](int id, float logit) {
    if (exceeded || !limit.passes(id, row.key(logit))) return;
    sum += row.weight(logit);
    exceeded = before + mass_of(sum) > wanted;
    drawn = id;
  });
  answer(drawn);
}

/** logits [rows, count] → ids [rows]. Grid [rows], DRAW_THREADS threads a block. */
__device__ inline void draw(const float* logits, const float* options, uint32_t* ids, int count) {
  const float* own = options + 5 * blockIdx.x;
  const DrawOptions o = {own[0], own[1], own[2], own[3], own[4]};
  Distribution row = {logits + size_t(blockIdx.x) * count, count};
  const int best = likeliest(row);
  const auto answer = [&](int id) { ids[blockIdx.x] = id; };
  if (!(o.temperature > 0)) {
    if (threadIdx.x == 0) answer(best);
    return;
  }
  row.top = row.logits[best];
  row.steepness = 1.44269504f / o.temperature; // where it is infinite nothing has a weight, and the likeliest is the answer
  invert(row, limit_of(row, o), o.draw, best, answer);
}

// Times the attention kernels on a GPU, and compares them with attention as it is defined:
//
//   nvcc -std=c++20 -O3 -arch=sm_90 -o /tmp/attend bench/cuda/attend.cu && /tmp/attend
//
// Decoding: microseconds of both kernels together, and the bytes of keys and values read in that time. Prefill: products' operations.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>
#include <array>
#include <utility>
#include <vector>
#include "../../shim/cuda/attend-many.cuh"
#include "../../shim/cuda/attend-one.cuh"
#include "../../shim/cuda/attend-merge.cuh"

using T = __nv_bfloat16;
constexpr int SCALE_BITS = 0x3db504f3; // 1 / √128

static void check(cudaError_t status) {
  if (status == cudaSuccess) return;
  fprintf(stderr, "%s\n", cudaGetErrorString(status));
  exit(1);
}

template <typename N>
static N* room(size_t count) {
  N* at;
  check(cudaMalloc(&at, count * sizeof(N)));
  return at;
}

__global__ void fill(T* to, size_t count, uint32_t seed) {
  for (size_t i = blockIdx.x * size_t(blockDim.x) + threadIdx.x; i < count; i += size_t(gridDim.x) * blockDim.x) {
    uint32_t x = uint32_t(i) * 2654435761u + seed;
    x = (x ^ x >> 16) * 0x85ebca6bu;
    x = (x ^ x >> 13) * 0xc2b2ae35u;
    to[i] = T(float(x >> 8) / (1 << 23) - 1);
  }
}

static T* numbers(size_t count, uint32_t seed) {
  T* at = room<T>(count);
  fill<<<1024, 256>>>(at, count, seed);
  return at;
}

/** One query's result, number threadIdx.x of it, and its largest difference from `given`. */
__global__ void compare(const T* query, Heads<T> keys, Heads<T> values, int last, int width, const T* given, float* worst) {
  double sum = 0, found = 0;
  for (int p = 0; p <= last; p++) {
    float product = 0;
    for (int i = 0; i < width; i++) product += float(query[i]) * float(keys[p][i]);
    const double weight = exp(double(product) * __int_as_float(SCALE_BITS));
    sum += weight;
    found += weight * double(float(values[p][threadIdx.x]));
  }
  const float error = fabsf(float(found / sum) - float(given[threadIdx.x]));
  atomicMax(reinterpret_cast<int*>(worst), error == error ? __float_as_int(error) : 0x7f800000); // not negative: ordered like integers
}

/** Microseconds of a run of `work`, of many. */
template <typename Work>
static float measure(Work work) {
  cudaEvent_t begin, end;
  check(cudaEventCreate(&begin));
  check(cudaEventCreate(&end));
  for (int i = 0; i < 3; i++) work();
  const int runs = 30;
  check(cudaEventRecord(begin));
  for (int i = 0; i < runs; i++) work();
  check(cudaEventRecord(end));
  check(cudaEventSynchronize(end));
  check(cudaGetLastError());
  float milliseconds;
  check(cudaEventElapsedTime(&milliseconds, begin, end));
  return milliseconds * 1000 / runs;
}

template <int D, int GROUP, int PIECE, typename Result>
__global__ void one(Heads<T> q, Heads<T> k, Heads<T> v, const int* lengths, Result result) {
  attend_one<T, D, GROUP, 0, PIECE, SCALE_BITS>(q, k, v, lengths, 0, result);
}

template <int D, int PIECE>
__global__ void merge(const float* found, const float* scales, const int* lengths, int pieces, T* out) {
  attend_merge<T, D, 0, PIECE>(found, scales, lengths, 0, pieces, out);
}

template <int D, int QUERIES, int KEYS, int TILES>
__global__ void many(Heads<T> q, Heads<T> k, Heads<T> v, ManySizes sizes, T* out) {
  attend_many<T, D, 0, true, SCALE_BITS, QUERIES, KEYS, TILES>(q, k, v, sizes, out);
}

template <int D, int GROUP, int PIECE>
static void decode(unsigned rows, unsigned kv_heads, int span, unsigned blocks) {
  const unsigned heads = kv_heads * GROUP;
  const int capacity = span + 256, pieces = (span + PIECE - 1) / PIECE, splits = pieces < int(blocks / (rows * kv_heads)) ? pieces : int(blocks / (rows * kv_heads));
  const int64_t head = int64_t(capacity) * D;
  T *q = numbers(size_t(rows) * heads * D, 1), *k = numbers(rows * kv_heads * head, 2), *v = numbers(rows * kv_heads * head, 3);
  T* out = room<T>(size_t(rows) * heads * D);
  float *found = room<float>(size_t(rows) * heads * pieces * D), *scales = room<float>(size_t(rows) * heads * pieces * 2), *worst = room<float>(1);
  int* lengths = room<int>(rows);
  const std::vector<int> host(rows, span - 1);
  check(cudaMemcpy(lengths, host.data(), rows * sizeof(int), cudaMemcpyHostToDevice));
  check(cudaMemset(worst, 0, sizeof(float)));
  const Heads<T> queries = {q, int64_t(heads) * D, D, D}, keys = {k, kv_heads * head, head, D}, values = {v, kv_heads * head, head, D};
  const dim3 grid(splits > 0 ? splits : 1, kv_heads, rows);
  const float us = measure([&] {
    if (pieces == 1) {
      one<D, GROUP, PIECE><<<grid, 32 * ONE_WARPS>>>(queries, keys, values, lengths, WholeResult<T>{out});
    } else {
      one<D, GROUP, PIECE><<<grid, 32 * ONE_WARPS>>>(queries, keys, values, lengths, PieceResults{found, scales, pieces});
      merge<D, PIECE><<<dim3(1, heads, rows), dim3(D / 4, STRANDS)>>>(found, scales, lengths, pieces, out);
    }
  });
  for (unsigned i = 0; i < heads; i += heads / 2 + 1)
    compare<<<1, D>>>(q + ((rows - 1) * heads + i) * D, Heads<T>{k + (rows - 1) * kv_heads * head + i / GROUP * head, 0, 0, D},
                      Heads<T>{v + (rows - 1) * kv_heads * head + i / GROUP * head, 0, 0, D}, span - 1, D, out + ((rows - 1) * heads + i) * D, worst);
  float error;
  check(cudaMemcpy(&error, worst, sizeof(float), cudaMemcpyDeviceToHost));
  const double bytes = 4.0 * rows * kv_heads * span * D;
  printf("decode  D %3d group %2d piece %3d  rows %2u span %6d blocks %6u: %8.1f us %6.0f GB/s  error %.5f\n", D, GROUP, PIECE, rows, span,
         grid.x * kv_heads * rows, us, bytes / us / 1000, error);
  for (void* at : {(void*)q, (void*)k, (void*)v, (void*)out, (void*)found, (void*)scales, (void*)worst, (void*)lengths}) check(cudaFree(at));
}

template <int D, int QUERIES, int KEYS, int TILES>
static void prefill(int rows, int heads, int kv_heads, int length, int positions) {
  using Shape = ManyShape<D, QUERIES, KEYS, TILES>;
  const int64_t head = int64_t(positions + 256) * D, width = int64_t(heads) * D;
  T *q = numbers(size_t(rows) * length * width, 1), *k = numbers(rows * kv_heads * head, 2), *v = numbers(rows * kv_heads * head, 3);
  T* out = room<T>(size_t(rows) * length * width);
  float* worst = room<float>(1);
  check(cudaMemset(worst, 0, sizeof(float)));
  check(cudaFuncSetAttribute(many<D, QUERIES, KEYS, TILES>, cudaFuncAttributeMaxDynamicSharedMemorySize, Shape::BYTES));
  const Heads<T> queries = {q, length * width, D, width}, keys = {k, kv_heads * head, head, D}, values = {v, kv_heads * head, head, D};
  const dim3 grid((length + QUERIES - 1) / QUERIES, heads, rows);
  const float us = measure([&] { many<D, QUERIES, KEYS, TILES><<<grid, Shape::THREADS, Shape::BYTES>>>(queries, keys, values, {heads, kv_heads, length, positions}, out); });
  for (int i = 0; i < length; i += length / 2 + 1) {
    const int row = rows - 1, own = heads - 1, kv = own / (heads / kv_heads);
    compare<<<1, D>>>(q + (row * int64_t(length) + i) * width + own * D, Heads<T>{k + (row * kv_heads + kv) * head, 0, 0, D},
                      Heads<T>{v + (row * kv_heads + kv) * head, 0, 0, D}, positions - length + i, D, out + (row * int64_t(length) + i) * width + own * D, worst);
  }
  float error;
  check(cudaMemcpy(&error, worst, sizeof(float), cudaMemcpyDeviceToHost));
  const double operations = 4.0 * rows * heads * D * (double(length) * (positions - length) + length * (length + 1.0) / 2);
  printf("prefill D %3d queries %3d keys %2d tiles %d  rows %d new %5d of %6d: %8.1f us %4.0f TFLOP/s  error %.5f\n", D, QUERIES, KEYS, TILES, rows, length,
         positions, us, operations / us / 1e6, error);
  for (void* at : {(void*)q, (void*)k, (void*)v, (void*)out, (void*)worst}) check(cudaFree(at));
}

template <int D, int GROUP>
static void decode_all(unsigned kv_heads) {
  for (const auto& [rows, span] : {std::pair<unsigned, int>{1, 100}, {1, 2048}, {1, 50000}, {8, 600}, {8, 4096}, {32, 600}, {64, 4096}})
    for (unsigned blocks : {2048u, 16384u}) {
      decode<D, GROUP, 64>(rows, kv_heads, span, blocks);
      decode<D, GROUP, 128>(rows, kv_heads, span, blocks);
      decode<D, GROUP, 256>(rows, kv_heads, span, blocks);
    }
}

int main() {
  decode_all<128, 2>(8);
  decode_all<128, 8>(4);
  decode_all<64, 4>(8);
  decode_all<256, 8>(2);
  for (const auto& [rows, length, positions] : {std::array<int, 3>{1, 64, 1024}, {1, 512, 512}, {1, 2048, 2048}, {4, 2048, 2048}, {1, 8192, 8192}, {1, 512, 32768}}) {
    prefill<128, 128, 64, 2>(rows, 32, 8, length, positions);
    prefill<128, 128, 64, 1>(rows, 32, 8, length, positions);
    prefill<128, 64, 64, 1>(rows, 32, 8, length, positions);
    prefill<128, 128, 32, 2>(rows, 32, 8, length, positions);
    prefill<64, 128, 64, 2>(rows, 32, 8, length, positions);
    prefill<64, 64, 64, 1>(rows, 32, 8, length, positions);
    prefill<256, 64, 32, 1>(rows, 16, 2, length, positions);
  }
}

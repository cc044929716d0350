// Small kernels that show what the emulator does, and what it finds wrong. A line of input names one; the answer is a line.
#include "emulate.h"
#include "../../shim/cuda/ptx.cuh"
#include <iostream>
#include <string>

using emulated::Order;

/** Each thread shows its number and reads another's; `wait` makes it right. */
template <typename Wait>
std::string reversed(Wait wait) {
  std::string answer;
  for (Order order : {Order::forwardLate, Order::backwardEarly}) {
    int out[64];
    emulated::launch({1, 1, 1}, {64, 1, 1}, 64 * sizeof(int), order, [&] {
      int* shown = reinterpret_cast<int*>(dynamic_shared());
      shown[threadIdx.x] = threadIdx.x;
      wait();
      out[threadIdx.x] = shown[63 - threadIdx.x];
    });
    for (int i = 0; i < 64; i++) answer += out[i] == 63 - i ? "" : "wrong ";
  }
  return answer.empty() ? "right" : "wrong";
}

/** Copies arrive when they are waited for, with zeros for what is absent. */
std::string copied(bool waiting) {
  alignas(16) const uint32_t from[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  uint32_t out[8];
  emulated::launch({1, 1, 1}, {1, 1, 1}, 32, Order::forwardLate, [&] {
    char* to = dynamic_shared();
    cp_async_16(to, from);
    cp_async_commit();
    cp_async_16(to + 16, from + 4, false);
    cp_async_commit();
    if (waiting) cp_async_wait<0>();
    else cp_async_wait<1>();
    memcpy(out, to, 32);
  });
  std::string answer;
  for (uint32_t x : out) answer += (x == 0xffffffff ? "-" : std::to_string(x)) + " ";
  return answer;
}

/** left [16, 16] · right [16, 8] of small whole numbers, loaded as a kernel does: the largest difference from the plain product. */
template <typename T>
std::string product() {
  alignas(16) static T left[16][16], right[16][8];
  float out[16][8];
  for (int i = 0; i < 16; i++)
    for (int j = 0; j < 16; j++) left[i][j] = T(float((5 * i + 3 * j) % 11 - 4)), right[i][j % 8] = T(float((7 * i + j % 8) % 13 - 6));
  emulated::launch({1, 1, 1}, {32, 1, 1}, 0, Order::forwardLate, [&] {
    const int lane = threadIdx.x, matrix = lane / 8;
    uint32_t a[4], b[4];
    float d[4] = {};
    ldmatrix_x4(a, &left[lane % 8 + matrix % 2 * 8][matrix / 2 * 8]);
    ldmatrix_x4_trans(b, &right[lane % 8 + matrix % 2 * 8][0]);
    mma_16816(d, a, {b[0], b[1]}, T());
    for (int i = 0; i < 4; i++) out[lane / 4 + i / 2 * 8][lane % 4 * 2 + i % 2] = d[i];
  });
  float most = 0;
  for (int i = 0; i < 16; i++)
    for (int j = 0; j < 8; j++) {
      float sum = 0;
      for (int k = 0; k < 16; k++) sum += float(left[i][k]) * float(right[k][j]);
      most = std::max(most, std::fabs(sum - out[i][j]));
    }
  return std::to_string(most);
}

std::string shuffled() {
  int sum = 0;
  emulated::launch({2, 1, 1}, {64, 1, 1}, 0, Order::backwardEarly, [&] {
    int own = threadIdx.x;
    for (int distance = 16; distance > 0; distance /= 2) own += __shfl_xor_sync(0xffffffffu, own, distance);
    if (threadIdx.x % 32 == 7) sum += own;
  });
  return std::to_string(sum); // of 0 … 63, in both blocks
}

/** Every 16-bit number that is one comes back from a float as it was. */
template <typename T>
std::string rounded() {
  int wrong = 0;
  for (int bits = 0; bits < 65536; bits++) {
    T x;
    x.bits = bits;
    wrong += float(x) == float(x) && T(float(x)).bits != bits;
  }
  wrong += float(T(1 + 1.0f / 4096)) != 1 || float(T(-65504 * 1.001f)) > -65024; // to the nearest
  return std::to_string(wrong);
}

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    std::string answer = "no such kernel";
    if (line == "barrier") answer = reversed([] { __syncthreads(); });
    if (line == "no barrier") answer = reversed([] {});
    if (line == "half a barrier") answer = reversed([] { if (threadIdx.x % 2 == 0) __syncthreads(); else __syncwarp(); });
    if (line == "copies") answer = copied(true);
    if (line == "copies too early") answer = copied(false);
    if (line == "product bf16") answer = product<__nv_bfloat16>();
    if (line == "product f16") answer = product<__half>();
    if (line == "shuffles") answer = shuffled();
    if (line == "rounding bf16") answer = rounded<__nv_bfloat16>();
    if (line == "rounding f16") answer = rounded<__half>();
    std::cout << answer << std::endl;
  }
}

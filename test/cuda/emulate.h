// Runs CUDA kernels on the CPU, one block at a time, so that they can be tested where there is no GPU: include this before a kernel's file.
//
// Each thread of a block is a fibre with a stack of its own. A fibre runs until it waits: for its block (__syncthreads), or for its warp
// (shuffles, products of matrices), which must be complete. Then the next one runs. So what a kernel does between two barriers happens thread
// by thread; `Order` turns the threads round and lets asynchronous copies arrive late or at once, and a kernel whose results differ between the
// orders lacks a barrier or a wait.
#pragma once
#include <csetjmp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <ucontext.h>
#include <vector>

#define __device__
#define __global__
#define __forceinline__ inline
#define __shared__ static
#define __launch_bounds__(...)
#define __align__(bytes) alignas(bytes)

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
};
inline dim3 threadIdx, blockIdx, blockDim, gridDim;

namespace emulated {

/** In which order threads run, and when asynchronous copies arrive. */
enum class Order { forwardLate, backwardEarly };

constexpr size_t STACK = 256 << 10; // bytes of a thread
constexpr int WARP = 32;

[[noreturn]] inline void fail(const char* why) {
  fprintf(stderr, "emulated kernel: %s (block %u %u %u, thread %u %u)\n", why, blockIdx.x, blockIdx.y, blockIdx.z, threadIdx.x, threadIdx.y);
  exit(2);
}

struct Copy {
  void* to;
  const void* from;
  bool present;
};

struct Thread {
  int number = 0; // in its block
  dim3 index;
  bool begun = false, finished = false;
  ucontext_t first;
  jmp_buf resume;
  std::unique_ptr<char[]> stack;
  std::vector<Copy> copies; // begun and not yet part of a group
  std::vector<std::vector<Copy>> groups;
};

struct Barrier {
  int arrived = 0;
  unsigned round = 0;
};

/** What the lanes of a warp show each other. Rounds alternate between two sets of slots, since one lane may be a round ahead of another. */
struct Warp {
  Barrier barrier;
  int live = 0;
  uint32_t shown[2][WARP][8];
  struct {
    float left[16][16], right[16][8];
  } factors[2];               // of products
  uint16_t rows[2][WARP][8]; // of four matrices
};

struct Block {
  std::vector<Thread> threads;
  std::vector<Warp> warps;
  std::vector<char> shared;
  Barrier barrier;
  Thread* self = nullptr;
  int live = 0, fruitless = 0; // switches since a barrier opened
  Order order = Order::forwardLate;
  jmp_buf host; // where the block was begun
  void (*body)(void*) = nullptr;
  void* kernel = nullptr;
};
inline Block block;

inline int lane() { return block.self->number % WARP; }
inline Warp& warp() { return block.warps[block.self->number / WARP]; }

/** The next thread that has not finished among `count` from `begin` on, in the order of the run. */
inline Thread* next(int begin, int count) {
  const int step = block.order == Order::forwardLate ? 1 : count - 1;
  int at = block.self->number - begin;
  for (int i = 0; i < count; i++) {
    at = (at + step) % count;
    if (!block.threads[begin + at].finished) return &block.threads[begin + at];
  }
  return nullptr;
}

[[noreturn]] inline void resume(Thread* to) {
  block.self = to;
  threadIdx = to->index;
  if (to->begun) _longjmp(to->resume, 1);
  to->begun = true;
  setcontext(&to->first);
  fail("a thread cannot begin");
}

__attribute__((noinline)) inline void switch_to(Thread* to) {
  if (to != block.self && _setjmp(block.self->resume) == 0) resume(to);
}

inline void open(Barrier& barrier) {
  barrier.arrived = 0;
  barrier.round++;
  block.fruitless = 0;
}

/** Waits until `count` threads have come; the last one does `work` before the others go on. */
template <typename Work>
inline void wait(Barrier& barrier, int count, int begin, int among, Work work) {
  const unsigned round = barrier.round;
  if (++barrier.arrived == count) {
    work();
    return open(barrier);
  }
  while (barrier.round == round) {
    if (++block.fruitless > 4 * int(block.threads.size()) + 4 * WARP) fail("threads wait for each other for ever");
    switch_to(next(begin, among));
  }
}

/** Shows `words` to the warp, and runs `work(shown, set)` once, when all lanes have shown theirs. Gives the set of slots that they lie in. */
template <int N, typename Work>
inline int show(const uint32_t (&words)[N], Work work) {
  Warp& own = warp();
  const int set = own.barrier.round % 2;
  memcpy(own.shown[set][lane()], words, sizeof words);
  const int begin = block.self->number / WARP * WARP, size = std::min<int>(WARP, block.threads.size() - begin);
  if (size < WARP || own.live < WARP) fail("a warp works together without all its lanes");
  wait(own.barrier, WARP, begin, WARP, [&] { work(own.shown[set], set); });
  return set;
}

/** The first frame of every thread. */
inline void run_thread() {
  block.body(block.kernel);
  block.self->finished = true;
  block.live--;
  warp().live--;
  block.fruitless = 0;
  if (block.barrier.arrived > 0 && block.barrier.arrived == block.live) open(block.barrier); // those that have ended are not waited for
  if (block.live == 0) _longjmp(block.host, 1);
  resume(next(0, block.threads.size()));
}

inline void prepare(int threads, size_t shared) {
  block.threads.resize(threads);
  block.warps.assign((threads + WARP - 1) / WARP, Warp());
  block.barrier = Barrier();
  block.live = threads;
  block.fruitless = 0;
  block.shared.assign(shared + 16, char(0xff)); // not-a-numbers
  for (int i = 0; i < threads; i++) {
    Thread& t = block.threads[i];
    if (!t.stack) t.stack.reset(new char[STACK]);
    t.number = i;
    t.index = {i % blockDim.x, i / blockDim.x % blockDim.y, i / blockDim.x / blockDim.y};
    t.begun = t.finished = false;
    t.copies.clear();
    t.groups.clear();
    block.warps[i / WARP].live++;
    getcontext(&t.first);
    t.first.uc_stack.ss_sp = t.stack.get();
    t.first.uc_stack.ss_size = STACK;
    t.first.uc_link = nullptr;
    makecontext(&t.first, run_thread, 0);
  }
}

__attribute__((noinline)) inline void run_block(Thread* first) {
  block.self = first;
  if (_setjmp(block.host) == 0) resume(first); // the last thread comes back
}

/** Runs `kernel()` in every thread of a grid of `blocks` blocks. */
template <typename Kernel>
void launch(dim3 blocks, dim3 threads, size_t shared, Order order, Kernel kernel) {
  gridDim = blocks;
  blockDim = threads;
  block.order = order;
  block.kernel = &kernel;
  block.body = [](void* k) { (*static_cast<Kernel*>(k))(); };
  const int count = threads.x * threads.y * threads.z;
  for (unsigned i = 0; i < blocks.x * blocks.y * blocks.z; i++) {
    blockIdx = {i % blocks.x, i / blocks.x % blocks.y, i / blocks.x / blocks.y};
    prepare(count, shared);
    run_block(&block.threads[order == Order::forwardLate ? 0 : count - 1]);
  }
}

} // namespace emulated

inline void __syncthreads() {
  emulated::Block& b = emulated::block;
  emulated::wait(b.barrier, b.live, 0, b.threads.size(), [] {});
}

#include "emulate-numbers.h"
#include "emulate-warp.h"

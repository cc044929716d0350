// Instructions that CUDA C++ has no name for. Kernels use them through these functions alone, so that test/cuda/emulate.h can stand in for
// them where there is no GPU. "Matrix" below is 8 rows of 16 bytes: 8 × 8 numbers of 16 bits, of which each lane holds a pair.
#pragma once
#ifndef EMULATED_PTX

/** d += a b for a [16, 16], b [16, 8] and d [16, 8], spread over the lanes of a warp as the PTX manual draws m16n8k16. */
__device__ inline void mma_16816(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], __nv_bfloat16) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
__device__ inline void mma_16816(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], __half) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

__device__ inline uint32_t shared_address(const void* shared) { return static_cast<uint32_t>(__cvta_generic_to_shared(shared)); }

/** Four matrices from shared memory: lanes 8 i … 8 i + 7 name the rows of matrix i. A lane gets numbers 2 (lane % 4) and the next of row lane / 4. */
__device__ inline void ldmatrix_x4(uint32_t (&to)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(shared_address(row))
               : "memory");
}

/** The same, each matrix transposed: a lane gets numbers lane / 4 of row 2 (lane % 4) and of the next. */
__device__ inline void ldmatrix_x4_trans(uint32_t (&to)[4], const void* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(shared_address(row))
               : "memory");
}

/** Begins to copy 16 bytes to shared memory, or zeros where `present` is false. Both addresses are multiples of 16. */
__device__ inline void cp_async_16(void* shared, const void* global, bool present = true) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(shared)), "l"(global), "r"(present ? 16 : 0) : "memory");
}

/** Ends a group of copies. */
__device__ inline void cp_async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }

/** Waits until all but the last `LATER` groups of this thread have arrived; __syncthreads() then shows them to the others. */
template <int LATER>
__device__ inline void cp_async_wait() {
  asm volatile("cp.async.wait_group %0;" ::"n"(LATER) : "memory");
}

/** 2^x to about 22 bits; 0 for -∞. */
__device__ inline float fast_exp2(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

/** The shared memory whose size the host names at launch. */
__device__ inline char* dynamic_shared() {
  extern __shared__ __align__(16) char dynamic_shared_bytes[];
  return dynamic_shared_bytes;
}

#endif

/** Two numbers as a lane's pair of a matrix, the first in the low half. */
__device__ inline uint32_t pack_pair(float low, float high, __nv_bfloat16) {
  __nv_bfloat162 both = __floats2bfloat162_rn(low, high);
  return *reinterpret_cast<uint32_t*>(&both);
}
__device__ inline uint32_t pack_pair(float low, float high, __half) {
  __half2 both = __floats2half2_rn(low, high);
  return *reinterpret_cast<uint32_t*>(&both);
}

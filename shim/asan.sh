#!/bin/sh
# Runs the tests of src/mx with an address-sanitized shim. Same variables as build.sh, with defaults that fit the Makefile's folders.
# Bun and MLX are not instrumented: what is found are accesses by the shim and mlx-c, and by memcpy and the like from anywhere.
# Leaks are not reported: Bun frees nothing at exit, and the tests count live handles themselves.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
MLX=${MLX:-$root/.build/lib}
MLXC=${MLXC:-$root/.build/mlx-c}
OUT=${OUT:-$root/.build/shim-asan}
if [ "$(uname -s)" != Linux ]; then
  echo "shim/asan.sh: only on Linux, where the sanitizer can be loaded before Bun" >&2
  exit 0
fi
MLX=$MLX MLXC=$MLXC OUT=$OUT SANITIZE=address sh "$root/shim/build.sh"

# Bun's alternate signal stack is not aligned as the sanitizer requires when an exception passes: do without one.
cat >"$OUT/nostack.c" <<'END'
#include <signal.h>
int sigaltstack(const stack_t *new_stack, stack_t *old_stack) {
  (void)new_stack;
  if (old_stack) *old_stack = (stack_t){.ss_flags = SS_DISABLE};
  return 0;
}
END
${CC:-cc} -shared -fPIC -D_XOPEN_SOURCE=700 -o "$OUT/nostack.so" "$OUT/nostack.c"

bun=${BUN:-$root/node_modules/.bin/bun}
cd "$root"
export ASAN_OPTIONS=detect_leaks=0:detect_container_overflow=0:allocator_may_return_null=1:handle_segv=2
export PIPPIN_TEST_SHIM=$OUT/libshim.so
export LD_PRELOAD="$(${CC:-cc} -print-file-name=libasan.so) $(${CXX:-c++} -print-file-name=libstdc++.so.6) $OUT/nostack.so"
exec "$bun" test "${@:-test/mx}"

#!/bin/sh
# Builds libshim: our C files and mlx-c in one library, beside MLX's own.
#   MLX   unpacked MLX wheel (mlx/lib, mlx/include)     MLXC  source of mlx-c     OUT  folder for objects
#   SANITIZE=address   instrumented, as $OUT/libshim.so, beside nothing
# mlx-c is compiled as two files that include its sources, and only when a source or this script is newer.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$OUT"
CC=${CC:-cc}
CXX=${CXX:-c++}

common="-O2 -g0 -fPIC -fvisibility=hidden -ffunction-sections -fdata-sections"
lib="$MLX/mlx/lib/libshim.so"
rpath='$ORIGIN'
strip=-s
undefined=-Wl,--no-undefined
if [ -n "${SANITIZE:-}" ]; then
  common="-O1 -g -fPIC -fvisibility=hidden -fno-omit-frame-pointer -fsanitize=$SANITIZE"
  lib="$OUT/libshim.so"
  rpath=$(cd "$MLX/mlx/lib" && pwd)
  strip=
  undefined=
fi

compile_mlxc() { # number of the unity file
  "$CXX" $common -std=gnu++20 -fvisibility-inlines-hidden -ffile-prefix-map="$MLXC/=" \
    -I"$here/compat" -include format -I"$MLXC" -I"$MLX/mlx/include" -c "$OUT/mlxc$1.cpp" -o "$OUT/mlxc$1.tmp"
  mv "$OUT/mlxc$1.tmp" "$OUT/mlxc$1.o"
}

stale_mlxc() {
  [ ! -e "$OUT/mlxc0.o" ] || [ ! -e "$OUT/mlxc1.o" ] || [ "$here/build.sh" -nt "$OUT/mlxc1.o" ] || [ "$here/compat/format" -nt "$OUT/mlxc1.o" ] ||
    [ -n "$(find "$MLXC/mlx/c" -newer "$OUT/mlxc1.o" -name '*.*' -print -quit 2>/dev/null)" ]
}

if stale_mlxc; then
  # error.cpp exits the process on an error; arena.c has its replacement.
  ls "$MLXC"/mlx/c/*.cpp | grep -v -e /error.cpp -e /object.cpp |
    awk -v out="$OUT" '{ print "#include \"" $0 "\"" > (out "/mlxc" NR % 2 ".cpp") }'
  compile_mlxc 0 &
  first=$!
  compile_mlxc 1
  wait $first
fi

objects=
for source in "$here"/*.c; do
  object="$OUT/$(basename "$source" .c).o"
  if [ ! -e "$object" ] || [ -n "$(find "$here" -newer "$object" \( -name '*.h' -o -path "$source" -o -name build.sh \))" ]; then
    "$CC" $common -std=c11 -Wall -Wextra -Werror -isystem "$MLXC" -c "$source" -o "$object"
  fi
  objects="$objects $object"
done

"$CXX" -shared $strip ${SANITIZE:+-fsanitize=$SANITIZE} -o "$lib.tmp" "$OUT/mlxc0.o" "$OUT/mlxc1.o" $objects "$MLX/mlx/lib/libmlx.so" \
  -Wl,-soname,libshim.so -Wl,-rpath,"$rpath" -Wl,--gc-sections $undefined -Wl,-rpath-link,"$MLX/mlx_cpu.libs"
mv "$lib.tmp" "$lib"

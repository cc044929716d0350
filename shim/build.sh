#!/bin/sh
# Builds libshim: our C files and mlx-c in one library, beside MLX's own.
#   MLX   unpacked MLX wheel (mlx/lib, mlx/include)     MLXC  source of mlx-c     OUT  folder for objects
#   SANITIZE=address   instrumented, as $OUT/libshim.so, which finds MLX by an absolute path
# mlx-c is compiled as two files that include its sources, and only when a source or this script is newer.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$OUT"
MLX=$(cd "$MLX" && pwd)
MLXC=$(cd "$MLXC" && pwd)
CC=${CC:-cc}
CXX=${CXX:-c++}

c_flags="-fPIC -fvisibility=hidden"
if [ "$(uname -s)" = Darwin ]; then
  suffix=dylib
  link="-dynamiclib -install_name @rpath/libshim.dylib"
  small="-Wl,-dead_strip -Wl,-x"
  origin=@loader_path
else
  suffix=so
  link="-shared -Wl,-soname,libshim.so -Wl,-rpath-link,$MLX/mlx_cpu.libs"
  small="-s -Wl,--gc-sections -Wl,--no-undefined"
  origin='$ORIGIN'
fi
if [ -n "${SANITIZE:-}" ]; then
  c_flags="$c_flags -O1 -g -fno-omit-frame-pointer -fsanitize=$SANITIZE"
  link="$link -fsanitize=$SANITIZE -Wl,-rpath,$MLX/mlx/lib"
  result="$OUT/libshim.$suffix"
else
  c_flags="$c_flags -O2 -g0 -ffunction-sections -fdata-sections"
  link="$link $small -Wl,-rpath,$origin"
  result="$MLX/mlx/lib/libshim.$suffix"
fi

newer_than() { # file: prints the inputs of mlx-c's objects that are newer
  find "$MLXC/mlx/c" "$here/compat" "$here/build.sh" -type f -newer "$1"
}

compile_mlxc() { # number of the unity file
  "$CXX" $c_flags -std=gnu++20 -fvisibility-inlines-hidden -ffile-prefix-map="$MLXC/=" \
    -I"$here/compat" -include format -I"$MLXC" -I"$MLX/mlx/include" -c "$OUT/mlxc$1.cpp" -o "$OUT/mlxc$1.part"
  mv "$OUT/mlxc$1.part" "$OUT/mlxc$1.o"
}

if [ ! -e "$OUT/mlxc0.o" ] || [ ! -e "$OUT/mlxc1.o" ] || [ -n "$(newer_than "$OUT/mlxc0.o")" ] || [ -n "$(newer_than "$OUT/mlxc1.o")" ]; then
  # error.cpp exits the process on an error; arena.c has its replacement.
  ls "$MLXC"/mlx/c/*.cpp | grep -v -e /error.cpp -e /object.cpp |
    awk -v out="$OUT" '{ print "#include \"" $0 "\"" > (out "/mlxc" NR % 2 ".cpp") }'
  compile_mlxc 0 &
  first=$!
  compile_mlxc 1
  wait $first
fi

# Each CUDA source as a C string, without comments, indentation and includes.
for source in "$here"/cuda/*.cuh; do
  echo "static const char cuda_$(basename "$source" .cuh | tr - _)[] ="
  sed -e 's,//.*,,' -e 's,^/\*\*.*\*/$,,' -e 's/^ *//' -e 's/ *$//' -e '/^$/d' -e '/^#include "/d' -e '/^#pragma once/d' -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/"&\\n"/' "$source"
  echo ";"
done >"$OUT/cuda-sources.part"
cmp -s "$OUT/cuda-sources.part" "$OUT/cuda-sources.h" || mv "$OUT/cuda-sources.part" "$OUT/cuda-sources.h"

objects=
for source in "$here"/*.c; do
  object="$OUT/$(basename "$source" .c).o"
  if [ ! -e "$object" ] || [ -n "$(find "$source" "$here"/*.h "$OUT/cuda-sources.h" "$here/build.sh" -newer "$object")" ]; then
    "$CC" $c_flags -std=c11 -Wall -Wextra -Werror -I"$OUT" -isystem "$MLXC" -c "$source" -o "$object"
  fi
  objects="$objects $object"
done
for source in "$here"/*.cpp; do
  object="$OUT/$(basename "$source" .cpp).o"
  if [ ! -e "$object" ] || [ -n "$(find "$source" "$here"/*.h "$here/build.sh" -newer "$object")" ]; then
    "$CXX" $c_flags -O3 -std=gnu++20 -fvisibility-inlines-hidden -Wall -Wextra -Werror -isystem "$here/compat" -include format \
      -isystem "$MLXC" -isystem "$MLX/mlx/include" -c "$source" -o "$object"
  fi
  objects="$objects $object"
done

"$CXX" $link -o "$OUT/libshim.part" "$OUT/mlxc0.o" "$OUT/mlxc1.o" $objects "$MLX/mlx/lib/libmlx.$suffix"
mv "$OUT/libshim.part" "$result"

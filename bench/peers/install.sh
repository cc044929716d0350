#!/bin/sh
# Installs the peers, pinned, from the Python package index, below .build/venv-bench. Does nothing where the pins have not changed.
#
#     bench/peers/install.sh            vllm-mlx/ and mlx-lm/, 0.8 GB
#     bench/peers/install.sh --embed    and mlx-embeddings/, which needs mlx-vlm: 1.3 GB
#     bench/peers/install.sh --full     and vllm-mlx-full/, with torch as its package asks: 6.3 GB on Linux
#
# Environments of their own, because vllm-mlx (0.6.0 is the newest) allows mlx-lm below 0.32 only, and mlx-lm is measured at its newest.
# All run on MLX 0.32.2, the version that Pippin is built on. MLX=cuda13 takes MLX's CUDA back end on Linux instead of the CPU's.
set -eu
cd "$(dirname "$0")/../.."
pins=bench/peers
venvs=.build/venv-bench
python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "install.sh: mlx-lm needs Python 3.11 or later; PYTHON=... names one" >&2
    exit 1
}
case $(uname -s) in
Darwin) mlx="mlx==0.32.2" ;;
*) mlx="mlx[${MLX:-cpu}]==0.32.2" ;;
esac

# install NAME PINS ARGUMENT...: an environment with the arguments, as pip resolves them, and the pins as they are.
# The pins come last: pip then says nothing about the packages that they leave out.
install() {
    venv=$venvs/$1 list=$2
    shift 2
    stamp="$* $(cat "$list")"
    [ "$(cat "$venv/stamp" 2>/dev/null)" = "$stamp" ] && return
    echo "installing $venv"
    rm -rf "$venv"
    "$python" -m venv "$venv"
    "$venv/bin/pip" install --quiet -c "$list" "$@"
    "$venv/bin/pip" install --quiet --no-deps -r "$list"
    printf '%s' "$stamp" >"$venv/stamp"
}

install mlx-lm $pins/mlx-lm.txt "$mlx"
install vllm-mlx $pins/vllm-mlx.txt "$mlx"
[ "${1:-}" != --embed ] || install mlx-embeddings $pins/mlx-embeddings.txt "$mlx" mlx-embeddings==0.1.0
[ "${1:-}" != --full ] || install vllm-mlx-full $pins/vllm-mlx.txt "$mlx" vllm-mlx==0.6.0 torch==2.15.0 torchvision==0.29.2

#!/bin/sh
# Writes the tiny checkpoints and reference numbers of test/golden again.
#   record.sh [family/variant …]        language models, with mlx-lm
#   record.sh adapters                  low-rank adapters, with mlx-lm
#   record.sh encoders [name …]         encoders and rerankers, with transformers and sentence-transformers (torch: 6 GB on Linux)
#   record.sh minilm                    vectors and tokens of a real encoder, with the same
#   record.sh vocabularies              small and real vocabularies and what they make of 24,000 lines, with tokenizers
# Without arguments, everything. Needs python3 and PyPI; the packages go to .build/venv-* and are pinned in requirements*.txt.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)

python_of() { # its requirements are installed afterwards
  venv="$root/.build/venv-$1"
  [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --requirement "$here/$2"
  python="$venv/bin/python -B"
}

encoders() {
  python_of encoders requirements-encoders.txt
  case "${1:-}" in
    minilm | vocabularies) $python "$here/$1.py" ;;
    *) $python "$here/encoders.py" "$@" ;;
  esac
}

case "${1:-}" in
  encoders) shift && encoders "$@" ;;
  minilm | vocabularies) encoders "$1" ;;
  *)
    python_of golden requirements.txt
    if [ "${1:-}" = adapters ]; then set -- "$here/adapters.py"; else set -- "$here/record.py" "$@"; fi
    $python "$@"
    if [ $# -eq 1 ] && [ "$1" = "$here/record.py" ]; then $python "$here/adapters.py" && encoders && encoders minilm && encoders vocabularies; fi
    ;;
esac
cd "$root"
node_modules/.bin/prettier --write --log-level=warn test/golden # their JSON as the format check wants it

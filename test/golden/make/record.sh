#!/bin/sh
# Writes the tiny checkpoints and reference log-probabilities of test/golden again: record.sh [family/variant …]
# Needs python3 and PyPI; the packages go to .build/venv-golden and are pinned in requirements.txt.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
venv="$root/.build/venv-golden"
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --requirement "$here/requirements.txt"
"$venv/bin/python" -B "$here/record.py" "$@"
cd "$root"
node_modules/.bin/prettier --write --log-level=warn test/golden # their JSON as the format check wants it

#!/bin/sh
# Makes what the image holds: a virtual environment with the locked dependencies and our wheel, and nothing else.
#   image.sh TARGET WHEELS LOCK
set -eu
target=$1 wheels=$2 lock=$3
python=${PYTHON:-python3}

"$python" -m venv "$target"
"$target/bin/python" -m pip install --quiet --no-compile --require-hashes -r "$lock"
"$target/bin/python" -m pip install --quiet --no-compile --no-deps "$wheels"/cds_service-*.whl
"$target/bin/python" -m pip uninstall --quiet --yes pip
packages=$("$target/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
rm -rf "$packages/cds_service/simulator" # an EHR for the demo and the tests has no place beside patients' data
rm -f "$target"/bin/pip* "$target"/bin/activate* "$target"/bin/Activate*
"$target/bin/python" -m compileall -q "$packages"

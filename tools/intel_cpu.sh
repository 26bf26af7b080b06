#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs a command on Intel's OpenCL runtime for CPUs, from PyPI: fetched once into $B/intel-cpu (240 MB, 700 unpacked), installed nowhere.
#   B=build intel_cpu.sh COMMAND...
# Where it cannot be fetched the command is not run, which is said and is no failure.
set -u
B=${B:-build}
case $B in /*) ;; *) B=$(pwd)/$B ;; esac
folder=$B/intel-cpu

fetch() {
    command -v python3 > /dev/null || { echo 'python3 is not installed'; return 1; }
    rm -rf "$folder"
    mkdir -p "$folder/wheels" "$folder/root" "$folder/lib" "$folder/vendors"
    # intel-cmplr-lib-rt: the compiler's libraries, which the runtime needs and does not ask for
    python3 -m pip download -q --disable-pip-version-check -d "$folder/wheels" intel-opencl-rt intel-cmplr-lib-rt > "$folder/log" 2>&1 ||
        { echo "pip cannot download intel-opencl-rt"; return 1; }
    for wheel in "$folder/wheels"/*.whl; do python3 -m zipfile -e "$wheel" "$folder/root" || return 1; done
    # Not the runtime's own folder: it has a libOpenCL.so of its own.
    for name in 'libtbb*' 'libsvml.so' 'libintlc.so*' 'libirng.so' 'libimf.so'; do
        find "$folder/root" -name "$name" -exec ln -sf {} "$folder/lib/" \;
    done
    runtime=$(find "$folder/root" -name libintelocl.so | head -n 1)
    [ "$runtime" ] || { echo 'the package holds no libintelocl.so'; return 1; }
    rm -rf "$folder/wheels"
    echo "$runtime" > "$folder/vendors/intel.icd"
}

if [ ! -s "$folder/vendors/intel.icd" ]; then
    why=$(fetch) || { echo "skipped: $why"; exit 0; }
fi
export LD_LIBRARY_PATH="$folder/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" OCL_ICD_VENDORS="$folder/vendors"
exec "$@"

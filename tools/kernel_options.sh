#!/bin/sh
# SPDX-License-Identifier: MIT
# The -D options of a kernel under a configuration: its tunables, and one storage type for all of its tensors.
#   B=build kernel_options.sh KERNEL F32|F16 [INI FILE]
set -eu
kernel=$1 type=$2
case $kernel in # what the host sets by itself
    pack_rows) own=' -DBLOCK=64' ;;
    peak_fma) own=' -DWG=1 -DWIDTH=16 -DCHAINS=10' ;;
    peak_copy) own=' -DWG=1 -DROWS=64' ;;
    *) own= ;;
esac
"${B:-build}/sdcl" config ${3:+--config "$3"} 2> /dev/null | awk -v kernel="[$kernel]" -v type="$type" -v own="$own" '
    /^\[/ { mine = $1 == kernel }
    mine && $2 == "=" { printf "-D%s=%s ", $1, $3 }
    END { printf "-DXT=%s -DWT=%s -DYT=%s -DPT=%s -DT=%s -DD=40%s\n", type, type, type, type, type == "F16" ? "ushort" : "uint", own }'

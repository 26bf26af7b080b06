#!/bin/sh
# SPDX-License-Identifier: MIT
# The -D options of a kernel under a configuration: its tunables, and one storage type for all of its tensors.
#   B=build kernel_options.sh KERNEL F32|F16 [OPTION OF sdcl config...]
set -eu
kernel=$1 type=$2
shift 2
case $kernel,$* in # what the host sets by itself
    pack_rows,* | pack_pairs,*) own=' -DBLOCK=64' ;;
    gemm_matrix_cpu,* | conv3x3_matrix_cpu,* | attention_matrix_cpu,*) own=' -DENGINE=0' ;;
    groupnorm_whole_cpu,*) own=' -DROWS=64 -DVW=16 -DNV=4' ;;
    probe,*) own=' -DARITHMETIC=0' ;;
    subgroup_probe,*) own=" $(tools/exchange.sh "$*") -DROWS=4" ;;
    peak_fma,*'--for-device cpu'*) own=' -DWG=1 -DWIDTH=16 -DCHAINS=10' ;;
    peak_copy,*'--for-device cpu'*) own=' -DWG=1 -DROWS=64' ;;
    peak_fma,*) own=' -DWG=256 -DWIDTH=1 -DCHAINS=10' ;;
    peak_copy,*) own=' -DWG=256 -DROWS=64' ;;
    winograd_input_cpu,*) own=' -DTILE=4 -DKC=16' ;;
    winograd_input_gpu,*) own=' -DNORM=0' ;;
    winograd_weight_gpu,*) own=' -DTILE=4 -DBN=64' ;;
    winograd_output_gpu,*) own=' -DTILE=4 -DACT=0' ;;
    gemm_matrix_gpu,*) own=" -DNORM=0 -DGEGLU=0 -DACT=0 -DENGINE=$(tools/matrix_engine.sh "$*")" ;;
    gemm_gpu,* | conv3x3_gpu,*) own=' -DNORM=0 -DGEGLU=0 -DACT=0' ;;
    *) own= ;;
esac
# A word becomes its index in the list of choices, which docs/kernels.md has.
"${B:-build}/sdcl" config "$@" 2> /dev/null | awk -v kernel="$kernel" -v type="$type" -v own="$own" '
    function number(key, word,    i) { for (i = 1; i <= words[key]; i++) if (choice[key, i] == word) return i - 1; return word }
    BEGIN { while ((getline line < "docs/kernels.md") > 0) {
                if (line ~ /^###/) mine = line == "### [" kernel "]"
                else if (mine && split(line, cell, /[|`]/) > 5) {
                    n = split(cell[6], list, " ")
                    if (list[1] !~ /^[0-9]/ && list[2] !~ /^[0-9]/) words[cell[3]] = n
                    for (i = 1; i <= n; i++) choice[cell[3], i] = list[i] } }
            n = mine = 0 }
    /^\[/ { mine = $1 == "[" kernel "]" || $1 == "[" kernel "." (type == "F16" ? "f16" : "f32") "]" }
    kernel == "gemm_matrix_gpu" && $1 == "ENGINE" { next }
    mine && $2 == "=" { if (!($1 in value)) name[n++] = $1; value[$1] = $1 == "MATH" ? ($3 == "f16" && type == "F16") : number($1, $3) }
    END { for (i = 0; i < n; i++) printf "-D%s=%s ", name[i], value[name[i]]
          input = kernel == "gemm_matrix_gpu" ? "F16" : type
          printf "-DXT=%s -DWT=%s -DYT=%s -DPT=%s -DT=%s -DD=40%s\n", input, input, type, type, type == "F16" ? "ushort" : "uint", own }'

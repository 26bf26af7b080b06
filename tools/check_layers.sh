#!/bin/sh
# SPDX-License-Identifier: MIT
# Includes go one way (docs/architecture.md): main -> pipeline -> check, nn, sampler, text, io -> ops -> plan -> ocl -> base.
set -u
export LC_ALL=C

# layer -> the layers that it may include, besides itself and sdcl.h
allowed() {
    case $1 in
    base) echo ;;
    io | text | sampler | ref | ocl) echo base ;;
    plan) echo ocl base ;;
    ops) echo plan ocl base ;;
    nn) echo io ops plan ocl base ;;
    check) echo ref ops plan ocl base ;;
    pipeline) echo check nn sampler text io ops plan ocl base ;;
    tune) echo pipeline check ops plan ocl base ;;
    cli) echo ;;
    *) return 1 ;;
    esac
}

layer_of() {
    case $1 in
    host/main.c) echo cli ;;
    host/*/*) l=${1#host/}; echo "${l%%/*}" ;;
    host/*) echo pipeline ;;
    esac
}

files=$(find host -name '*.[ch]' | sort)
errors=$(
    for file in $files; do
        layer=$(layer_of "$file")
        right=$(allowed "$layer") || { echo "$file: host/$layer is no layer"; continue; }
        for header in $(sed -n 's/^ *# *include "\([^"]*\)".*/\1/p' "$file"); do
            case " $layer $right " in *" ${header%%/*} "*) continue ;; esac
            [ "$header" = sdcl.h ] || echo "$file: $layer may not include \"$header\" (only: $layer $right)"
        done
    done
    grep -HnE '^ *# *include <(CL/|clblast|png|jansson|pcre2|utf8proc|xxhash|nettle/|ini\.|zlib)' host/main.c host/cli/*.[ch] 2> /dev/null |
        sed 's/$/   (the program uses only sdcl.h and libc)/'
    grep -HnE '(^|[^A-Za-z0-9_])(cl[A-Z]|CLBlast)[A-Za-z0-9]*\(' $files | grep -v '^host/\(ocl\|ops\)/' |
        sed 's/$/   (OpenCL is called in host\/ocl and host\/ops only)/'
)
if [ "$errors" ]; then
    printf '%s\nnot ok - layers\n' "$errors"
    exit 1
fi
echo "ok - layers: $(echo "$files" | wc -l) files"

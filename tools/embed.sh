#!/bin/sh
# SPDX-License-Identifier: MIT
# Files as C arrays on standard output.
#   embed.sh files NAME FILE...   an embedded_file array NAME (host/ocl/embedded.h), ended by a null name
#   embed.sh blob  NAME FILE      `const unsigned char NAME[]` and `const size_t NAME_size`
set -eu
export LC_ALL=C
kind=$1 name=$2
shift 2

bytes() { od -An -v -tx1 "$1" | sed 's/ \([0-9a-f][0-9a-f]\)/0x\1,/g'; }
size() { wc -c < "$1" | tr -d ' '; }

case $kind in
files)
    echo '#include "ocl/embedded.h"'
    i=0
    for file; do
        echo "static const unsigned char file_$i[] = {"
        bytes "$file"
        echo '0};'
        i=$((i + 1))
    done
    echo "const embedded_file $name[] = {"
    i=0
    for file; do
        echo "{\"${file##*/}\", (const char *)file_$i, $(size "$file")},"
        i=$((i + 1))
    done
    echo '{NULL, NULL, 0}};'
    ;;
blob)
    cat << END
#include <stddef.h>
extern const unsigned char ${name}[];
extern const size_t ${name}_size;
const size_t ${name}_size = $(size "$1");
const unsigned char ${name}[] = {
END
    bytes "$1"
    echo '};'
    ;;
*) echo "embed.sh: unknown kind '$kind'" >&2; exit 2 ;;
esac

#!/bin/sh
# SPDX-License-Identifier: MIT
# One kernel for one target; what was found goes to $work/run, a line each, kind and text separated by a tab: row (of the table), hot (of the
# table of loops), bad (why the check fails), note.
#   work=DIR B=build one.sh AMD|NVIDIA|Intel TARGET KERNEL|clblast F32|F16 VARIANT      VARIANT: options to replace, as in D=80,X=1, or -
set -u
vendor=$1 target=$2 kernel=$3 type=$4 variant=$5
here=$(dirname "$0")
name=$target-$kernel-$type-$variant
dir=$work/tmp/$name
result=$work/run/$name.row
std='-cl-std=CL1.2 -Icl'

if [ "$kernel" = clblast ]; then
    source=$work/clblast-$target.cl entry=Xgemm options=
    if ! "$B/clblast_kernel" "$vendor" "$target" > "$source.in" 2> "$source.why"; then
        printf 'note\t%s\n' "CLBlast's Xgemm is left out: $(head -n 1 "$source.why")" > "$result"
        exit 0
    fi
    # Its functions become part of the kernel, as in the drivers' compilers.
    sed 's/#define INLINE_FUNC.*/#define INLINE_FUNC static __attribute__((always_inline))/' "$source.in" > "$source"
    config=f32$(awk '/^#define (KWG|KWI|MDIM[AC]|MWG|NDIM[BC]|NWG|SA|SB|STRM|STRN|VWM|VWN) [0-9]+$/ && !seen[$2]++ { printf " %s=%s", $2, $3 }' "$source")
else
    source=cl/$kernel.cl entry=$kernel
    options=$(tools/kernel_options.sh "$kernel" "$type" --for-device "$vendor $target" ${CONFIG:+--config "$CONFIG"})
    for replaced in $(echo "$variant" | tr , ' ' | grep -o '[A-Z]*=.*'); do
        case $replaced in
        REDUCE=other) options=$(echo "$options" | sed 's/-DREDUCE=/&not/; s/REDUCE=not0/REDUCE=1/; s/REDUCE=not1/REDUCE=0/') ;;
        *) options=$(echo "$options" | sed "s/-D${replaced%%=*}=[^ ]*/-D$replaced/") ;;
        esac
    done
    case $kernel,$vendor in
        attention_gpu,NVIDIA) options=$(echo "$options" | awk -v local=49152 -v items=1024 -f "$here/attention_tile.awk") ;;
        attention_gpu,AMD) options=$(echo "$options" | awk -v local=65536 -v items=256 -f "$here/attention_tile.awk") ;;
        attention_gpu,Intel) options=$(echo "$options" | awk -v local=65536 -v items=512 -f "$here/attention_tile.awk") ;;
    esac
    case $options in
    *-DREDUCE=1*)
        most=16
        [ "$vendor" = Intel ] || most=32
        lanes=$(echo "$options" | sed -n 's/.*-DSHARE=\([0-9]*\).*/\1/p')
        [ "$lanes" ] || lanes=$(echo "$options" | sed -n 's/.*-DWG=\([0-9]*\).*/\1/p' | awk -v most="$most" '{ print $1 < most ? $1 : most }')
        options="$options $(tools/exchange.sh "$vendor $target" "$lanes")"
        ;;
    esac
    config=$(echo "$type" | tr F f)$(echo " $options" | sed 's/ -D\(XT\|WT\|YT\|PT\|T\|BLOCK\|EXCHANGE\|WIDTH\|LANES\)=[^ ]*//g; s/ -D/ /g; s/ *$//')
    case $variant in D=*) ;; *) config=$(echo "$config" | sed 's/ D=40//') ;; esac
fi

key=$({ echo "$vendor $target $options $("$CLANG" --version 2> /dev/null | head -n 1) $PTXAS $OCLOC"; cat "$source" cl/*.h "$here"/*; } | sha256sum | cut -c 1-32)
cached=$work/rows/$key
if [ -e "$cached" ]; then
    cp "$cached" "$result"
    exit 0
fi
rm -rf "$dir"
mkdir -p "$dir"

bad() { printf 'bad\t%s\n' "$target $kernel ($config): $1" >> "$dir/found"; }
# registers, local, occupancy, spills; limit: bytes of local memory that the family gives a work-group
row() {
    [ "$kernel" != clblast ] || return 0
    printf 'row\t| %s | %s | %s | %s | %s | %s | %s |\n' "$kernel" "$config" "$target" "$1" "$2" "$3" "$4" >> "$dir/found"
}
hot() { printf 'hot\t| %s | %s | %s | %s | %s |\n' "$(echo "$kernel" | sed "s/^clblast/CLBlast's Xgemm/")" "$config" "$target" "$1" "$2" >> "$dir/found"; }
figure() { sed -n "s/^$1 //p" "$dir/figures"; }
multiplies() { case $kernel in *gemm* | *conv* | winograd_gpu | *attention* | clblast) ;; *) false ;; esac; }

# Work-items of a group, from the attribute in the preprocessed text.
group_items() {
    ${CC:-cc} -E -P -x c -Icl $options "$source" 2> /dev/null | tr '\n' ' ' | awk '
        { at = index($0, "reqd_work_group_size"); if (!at) exit
          s = substr($0, at); depth = 0
          for (i = index(s, "("); i <= length(s); i++) {
              c = substr(s, i, 1)
              if (c == "(") depth++
              if (c == ")" && !--depth) break
              if (c == "," && depth == 1) c = ")*("
              out = out c
          }
          print out ")" }'
}

. "$here/tools.sh"
. "$here/$vendor.sh"
if compile > "$dir/log" 2>&1; then
    report
else
    if [ "$kernel" = clblast ]; then
        printf 'note\t%s\n' "CLBlast's Xgemm does not compile for $target" >> "$dir/found"
    else
        row - - - -
        bad "does not compile: $(grep -m 1 -i 'error' "$dir/log")"
    fi
fi
cp "$dir/found" "$cached.$$" && mv "$cached.$$" "$cached"
cp "$cached" "$result"
rm -rf "$dir"

# SPDX-License-Identifier: MIT
# Sourced by one.sh. Intel: ocloc, with the dumps of its compiler IGC.

compile() {
    mkdir -p "$dir/dump"
    internal=
    ! grep -q 'matrix_mad\|sub_group' "$source" cl/*.h ||
        internal='-cl-ext=+cl_khr_fp16,+cl_intel_subgroups,+cl_intel_subgroups_short,+cl_intel_subgroup_matrix_multiply_accumulate'
    IGC_ShaderDumpEnable=1 IGC_DumpToCustomDir="$(realpath "$dir/dump")" "$OCLOC" compile -q -file "$source" -device "$target" \
        -options "$std $options" ${internal:+-internal_options "$internal"} -out_dir "$dir" -output out
    [ -e "$(ls "$dir"/out*.bin 2> /dev/null | head -n 1)" ]
}

report() {
    grep -lE "^//.kernel $entry\$" "$dir/dump"/*_entry_*.asm > "$dir/asm"
    asm=$(tail -n 1 "$dir/asm")
    simd=$(echo "$asm" | sed 's/.*_simd\([0-9]*\)_.*/\1/')
    items=$(group_items)
    items=$((${items:-1}))
    # The sizes of __local arrays in the LLVM module: dimensions times element.
    local=$(cat "$dir/dump"/*_beforeUnification.ll | awk -v entry="$entry" '
        $1 ~ "^@" entry "\\." && /addrspace\(3\) global/ {
            sub(/.*addrspace\(3\) global /, ""); sub(/ (undef|zeroinitializer).*/, "")
            bytes = /half|i16/ ? 2 : /i8/ ? 1 : /double|i64/ ? 8 : 4
            gsub(/(half|float|double|i[0-9]+)/, "")
            for (n = split($0, number, /[^0-9]+/); n > 0; n--) if (number[n] != "") bytes *= number[n]
            sum += bytes
        } END { print sum + 0 }')
    awk -v simd="$simd" -v items="$items" -v local="$local" -v target="$target" '
        /^\/\/\.spill size/ { spills = $3 } /numGRF=/ { grf = $0; gsub(/.*numGRF=|,.*/, "", grf) }
        !/^\/\// { s = $0; while (match(s, /(^|[^a-z0-9_])r[0-9]+/)) { n = substr(s, RSTART, RLENGTH); sub(/.*r/, "", n); used += !seen[n]++
                   s = substr(s, RSTART + RLENGTH) } }
        END {
            # Threads of an execution unit, units that share local memory and its size (Intel graphics programmer guides): Gen9 to Gen11 8 units and
            # 64 KB, Gen12LP 16 and 128 KB, Xe-HPG 16 and 128 KB, Xe-HPC 8 and 128 KB.
            old = target ~ /^(bdw|skl|kbl|cfl|apl|bxt|glk|whl|aml|cml|icllp|lkf|ehl|jsl|gen8|gen9|gen11)/
            hpg = target ~ /dg2|acm|ats|xe-hp|pvc/
            threads = hpg ? 8 : 7; units = old || target ~ /pvc/ ? 8 : 16; shared = old ? 65536 : 131072
            per = int((items + simd - 1) / simd); groups = int(threads * units / per)
            if (local && int(shared / local) < groups) groups = int(shared / local)
            run = groups * per / units; if (run > threads) run = threads
            print "registers", used " of " (grf ? grf : 128) " GRF"
            print "occupancy", sprintf("SIMD%d, %.3g of %d threads", simd, run, threads)
            print "spills", spills + 0
        }' "$asm" > "$dir/figures"
    spills=$(figure spills)
    row "$(figure registers)" "$local" "$(figure occupancy)" "$spills"
    if [ "$kernel" != clblast ]; then
        [ "$spills" = 0 ] || bad "$spills bytes of spills"
        [ "$local" -le 65536 ] || bad "$local bytes of local memory, a work-group may have 65536"
    fi
    multiplies || return 0
    branch='^(\\([^)]*\\)[ \t]+)?(jmpi|while|goto)'
    awk -v label='^[A-Za-z_0-9]+:' -v branch="$branch" -f "$here/loops_branch.awk" "$asm" | awk -F '\t' \
        -v math='^(\\([^)]*\\)[ \t]+)?(mad|mac|dpas[a-z0-9.]*)[ \t(]' -v divide='math\\.(inv|fdiv)' -v branch="$branch" -v body=/dev/null \
        -f "$here/hot_loop.awk" > "$dir/hot"
    hot "$(cat "$dir/hot")" -
}

# SPDX-License-Identifier: MIT
# Sourced by one.sh. Intel: ocloc, with the dumps of its compiler IGC.

compile() {
    mkdir -p "$dir/dump"
    internal=
    case $options in *-DEXCHANGE=*) internal='-cl-ext=+cl_intel_subgroups' ;; esac
    [ "$kernel" != gemm_matrix_gpu ] ||
        internal='-cl-ext=+cl_khr_fp16,+cl_intel_subgroups,+cl_intel_subgroups_short,+cl_intel_subgroup_matrix_multiply_accumulate'
    IGC_ShaderDumpEnable=1 IGC_DumpToCustomDir="$(realpath "$dir/dump")" "$OCLOC" compile -q -file "$source" -device "$target" \
        -options "$std $options" ${internal:+-internal_options "$internal"} -out_dir "$dir" -output out
    [ -e "$(ls "$dir"/out*.bin 2> /dev/null | head -n 1)" ]
}

# What the program itself says: patch tokens, or in newer versions of the compiler a section of text.
program_figures() {
    ln -sf "$(ldconfig -p 2> /dev/null | awk '/libiga64\.so/ { print $NF; exit }')" "$dir/libiga64.so"
    LD_LIBRARY_PATH="$dir" "$OCLOC" disasm -file "$1" -dump "$dir/parts" -device "$target" > "$dir/disasm.log" 2>&1
    if [ -e "$dir/parts/PTM.txt" ]; then awk -v entry="$entry" -f "$here/patch_tokens.awk" "$dir/parts/PTM.txt"
    else
        strings -a "$1" | awk -v entry="$entry" '
            $1 == "-" && $2 == "name:" || $1 == "name:" { mine = $NF == entry }
            mine && $1 == "simd_size:" { print "simd", $2 } mine && $1 == "slm_size:" { print "local", $2 }
            mine && $1 == "spill_size:" { print "spills", $2 } mine && /private_size:|per_thread_private/ { print "private", $2 }'
    fi
}

report() {
    program_figures "$(ls "$dir"/out*.bin | head -n 1)" > "$dir/figures"
    simd=$(figure simd) local=$(figure local) spills=$(figure spills) private=$(figure private)
    simd=${simd:-8} local=${local:-0} spills=${spills:-0} private=${private:-0}
    # The compiler tries several widths, and again where registers run out: the last attempt of this width is the one in the program.
    asm=$(ls -t $(grep -lE "^//.kernel $entry\$" "$dir/dump"/*_simd"$simd"_entry_*.asm) | head -n 1)
    items=$(group_items)
    items=$((${items:-1}))
    awk -v simd="$simd" -v items="$items" -v local="$local" -v target="$target" '
        /numGRF=/ { grf = $0; gsub(/.*numGRF=|,.*/, "", grf) }
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
        }' "$asm" >> "$dir/figures"
    row "$(figure registers)" "$local" "$(figure occupancy)" "$spills$([ "$private" = 0 ] || echo ", $private bytes of private memory")"
    if [ "$kernel" != clblast ]; then
        [ "$spills" = 0 ] || bad "$spills bytes of spills a thread"
        [ "$private" = 0 ] || bad "$private bytes of private memory a work-item"
        [ "$local" -le 65536 ] || bad "$local bytes of local memory, a work-group may have 65536"
    fi
    multiplies || return 0
    branch='^(\\([^)]*\\)[ \t]+)?(jmpi|while|goto)'
    awk -v label='^[A-Za-z_0-9]+:' -v branch="$branch" -f "$here/loops_branch.awk" "$asm" | awk -F '\t' \
        -v math='^(\\([^)]*\\)[ \t]+)?(mad|mac|dpas[a-z0-9.]*)[ \t(]' -v divide='math\\.(inv|fdiv)' -v branch="$branch" -v body=/dev/null \
        -f "$here/hot_loop.awk" > "$dir/hot"
    hot "$(cat "$dir/hot")" -
}

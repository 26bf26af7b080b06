# SPDX-License-Identifier: MIT
# Sourced by one.sh. AMD: assembler text of clang with libclc, which ends with the figures; llvm-mca for the hottest loop. Scalar registers that
# are kept in lanes of vector registers never reach memory: they are shown, and no failure.

compile() {
    "$CLANG" -x cl -Xclang -finclude-default-header -O3 -nogpulib -Wno-linker-warnings -Wno-unused-command-line-argument -w \
        --target=amdgcn-amd-amdhsa -mcpu="$target" -Xclang -mlink-builtin-bitcode -Xclang "$clc/amdgcn--amdhsa.bc" $std $options \
        -S -o "$dir/all.s" "$source"
}

report() {
    # Of the entry alone: CLBlast's program has several kernels.
    awk -v entry="$entry" '$1 == entry ":" { on = 1 } on { print } on && /^; COMPUTE_PGM_RSRC2:USER_SGPR/ { exit }' "$dir/all.s" > "$dir/entry.s"
    awk -v entry="$entry" '
        /^; NumVgprs:/ { v = $3 } /^; NumAgprs:/ { a = $3 } /^; NumSgprs:/ { s = $3 } /^; ScratchSize:/ { scratch = $3 }
        /^; Occupancy:/ { waves = $3 } /^; LDSByteSize:/ { lds = $3 }
        END { print "registers", v " VGPR" (a ? " " a " AGPR" : "") " " s " SGPR"; print "scratch", scratch + 0; print "waves", waves; print "local", lds + 0 }
    ' "$dir/entry.s" > "$dir/figures"
    awk -v entry="$entry" '
        /\.name: / && NF == 2 { name = $2 } /\.sgpr_spill_count:/ { s[name] = $2 } /\.vgpr_spill_count:/ { v[name] = $2 }
        END { print "spills", v[entry] + 0; print "lanes", s[entry] + 0 }' "$dir/all.s" >> "$dir/figures"
    spills=$(figure spills) lanes=$(figure lanes) scratch=$(figure scratch) local=$(figure local)
    row "$(figure registers)" "$local" "$(figure waves) waves a SIMD" \
        "$spills$([ "$scratch" = 0 ] || echo ", $scratch bytes of scratch")$([ "$lanes" = 0 ] || echo " ($lanes SGPRs in lanes of VGPRs)")"
    if [ "$kernel" != clblast ]; then
        [ "$spills" = 0 ] || bad "$spills registers are spilled"
        [ "$scratch" = 0 ] || bad "$scratch bytes of scratch a work-item"
        [ "$local" -le 65536 ] || bad "$local bytes of local memory, the family has 65536"
    fi
    multiplies || return 0
    awk -f "$here/loops_amd.awk" "$dir/entry.s" | awk -F '\t' -v math='^v_(dual_)?(pk_)?(fma|fmac|mad|mac|wmma|mfma|dot)' \
        -v divide='^v_(rcp|div)' -v branch='^s_c?branch' -v body="$dir/loop.s" -f "$here/hot_loop.awk" > "$dir/hot"
    cycles=-
    flops=$(awk '
        { n = split($0, part, " :: ")
          for (i = 1; i <= n; i++) {
              op = part[i]
              sub(/[ \t].*/, "", op)
              if (op ~ /^v_wmma/) f += 256
              else if (op ~ /^v_mfma_f32_32x32x8f16/) f += 256
              else if (op ~ /^v_mfma/) f += 128
              else if (op ~ /^v_pk_fma/) f += 4
              else if (op ~ /^v_(dual_)?(fma|fmac|mad|mac|dot)/ && op !~ /_[iu](16|24|32|64)/) f += 2
          } } END { print f + 0 }' "$dir/loop.s" 2> /dev/null)
    if [ "$MCA" ] && [ "${flops:-0}" -gt 0 ]; then
        cycles=$("$MCA" -mtriple=amdgcn-amd-amdhsa -mcpu="$target" -iterations=20 "$dir/loop.s" 2> "$dir/mca.log" | awk -v f="$flops" '
            /^Total Cycles:/ { alone = $3 / 20 / f } /^Block RThroughput:/ { issue = $3 / f }
            END { if (alone) printf "%.2f, alone %.2f", issue, alone; else print "-" }')
    fi
    hot "$(cat "$dir/hot")" "$cycles"
}

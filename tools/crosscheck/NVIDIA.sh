# SPDX-License-Identifier: MIT
# Sourced by one.sh. NVIDIA: PTX of clang with libclc, then ptxas where there is one. This is not NVIDIA's compiler: it proves syntax and
# estimates registers. The loop is that of the PTX.

compile() {
    "$CLANG" -x cl -Xclang -finclude-default-header -O3 -nogpulib -Wno-linker-warnings -Wno-unused-command-line-argument -w \
        --target=nvptx64-nvidia-cuda -Xclang -target-cpu -Xclang "$(nvidia_front_end "$target")" -Xclang -target-feature -Xclang +ptx75 \
        -Xclang -mlink-builtin-bitcode -Xclang "$clc/nvptx64--nvidiacl.bc" $std $options -S -o "$dir/all.ptx" "$source" || return 1
    [ -z "$PTXAS" ] || "$PTXAS" -v -arch="$target" "$dir/all.ptx" -o "$dir/cubin"
}

report() {
    awk -v entry="$entry" 'index($0, ".entry " entry "(") { on = 1 } on { print } on && /^}/ { exit }' "$dir/all.ptx" > "$dir/entry.ptx"
    items=$(group_items)
    items=$((${items:-1}))
    awk -v entry="$entry" -v items="$items" -v arch="${target#sm_}" '
        index($0, "\047" entry "\047") { on = 1 }
        on && /spill stores/ { stack = $1; spills = $5 + $9; seen = 1 }
        on && /Used [0-9]+ registers/ {
            for (i = 1; i < NF; i++) { if ($i == "Used") regs = $(i + 1); if ($(i + 2) ~ /^smem/) smem = $i }
            on = 0
        }
        END {
            # Per multiprocessor (CUDA C programming guide, compute capabilities): warps, shared memory, blocks; 64 K registers everywhere.
            warps = arch == 75 ? 32 : arch == 86 || arch == 87 || arch == 89 || arch >= 120 ? 48 : 64
            shared = arch == 75 ? 64 : arch == 86 || arch == 89 || arch >= 120 ? 100 : arch == 80 || arch == 87 ? 164 : arch >= 90 ? 228 : 96
            most = arch == 75 || arch == 86 ? 16 : arch == 89 || arch >= 120 ? 24 : 32
            need = int((items + 31) / 32)
            by = int(65536 / (int((regs * 32 + 255) / 256) * 256 * need))
            if (by > most) by = most
            if (smem && int(shared * 1024 / (smem + (arch >= 80 ? 1024 : 0))) < by) by = int(shared * 1024 / (smem + (arch >= 80 ? 1024 : 0)))
            run = by * need; if (run > warps) run = int(warps / need) * need
            print "registers", seen ? regs : "-"
            print "local", smem + 0
            print "occupancy", seen ? run " of " warps " warps" : "-"
            print "spills", seen ? spills + 0 : "-"
            print "stack", stack + 0
        }' "$dir/log" > "$dir/figures"
    local=$(figure local)
    # Without ptxas: from the declarations.
    [ "$PTXAS" ] || local=$(awk '/^[ \t]*\.shared/ { n = $NF; gsub(/.*\[|\].*/, "", n); sum += n } END { print sum + 0 }' "$dir/entry.ptx")
    spills=$(figure spills)
    row "$(figure registers)" "$local" "$(figure occupancy)" "$spills"
    if [ "$kernel" != clblast ]; then
        case $spills in 0 | -) ;; *) bad "$spills bytes of spills" ;; esac
        [ "$(figure stack)" = 0 ] || bad "$(figure stack) bytes of stack frame"
        [ "$local" -le 49152 ] || bad "$local bytes of local memory, a work-group may have 49152"
    fi
    multiplies || return 0
    branch='^(@!?%p[0-9]+[ \t]+)?bra'
    awk -v label='^\\$L__BB[0-9_]+:' -v branch="$branch" -f "$here/loops_branch.awk" "$dir/entry.ptx" | awk -F '\t' -v math='^(fma\\.rn|mma\\.|wmma\\.mma)' \
        -v divide='^(div|rcp)\\.' -v branch="$branch" -v body=/dev/null -f "$here/hot_loop.awk" > "$dir/hot"
    hot "$(cat "$dir/hot") (PTX)" -
}

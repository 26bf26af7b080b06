#!/bin/sh
# SPDX-License-Identifier: MIT
# sdcl tune: what it writes, that wrong, crashing and hanging kernels are never chosen, that it goes on after a kill, that processes share their records. TAP.
#   SDCL_PROGRAM=build/sdcl tests/cli/tune.sh        (from the repository root)
set -u
unset SDCL_MODEL SDCL_CL_DIR
root=$(pwd)
sdcl=${SDCL_PROGRAM:-build/sdcl}
case $sdcl in /*) ;; *) sdcl=$root/$sdcl ;; esac
work=$(mktemp -d "${TMPDIR:-/tmp}/sdcl-tune-test-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
export XDG_DATA_HOME="$work/data" TMPDIR="$work"
cd "$work" || exit 1
number=0 bad=0
ok() { # NAME COMMAND...
    name=$1
    shift
    number=$((number + 1))
    if "$@"; then echo "ok $number - $name"; else
        bad=$((bad + 1))
        echo "not ok $number - $name"
        sed 's/^/# out: /' out | head -n 10
        sed 's/^/# err: /' err | head -n 10
        tail -n 5 rec.jsonl 2> /dev/null | cut -c 1-300 | sed 's/^/# rec: /'
    fi
}
run() { "$sdcl" "$@" > out 2> err < /dev/null; rc=$?; }
is() { [ "$1" = "$2" ]; }
# Candidates of a record, one a line: what must not be tried twice.
candidates() { sed -n 's/.*"key":\("[^"]*"\).*"impl":\("[^"]*"\),"values":\({[^}]*}\).*/\1 \2 \3/p' "$1"; }
no_twice() { [ -z "$(candidates "$1" | sort | uniq -d)" ]; }
all_lines() { [ "$(grep -c '^{"ok":\(true\|false\),.*}$' "$1")" = "$(wc -l < "$1")" ]; }
all_reasons() { [ "$(grep -c '"ok":false' "$1")" = "$(grep -c '"ok":false,"reason":"..*' "$1")" ]; }

if ! "$sdcl" devices --json 2> /dev/null | head -n 1 | grep -q '"type":"cpu"' || [ "$("$sdcl" devices --json | wc -l)" != 1 ]; then
    echo "ok 1 - tune # SKIP the only device is no CPU"
    exit 0
fi

printf '# one step\n20 gemm f32 f16 1 64 48 40 1 0\n' > shapes

# A slow file to start from: the local-memory kernel on a CPU.
printf '[gemm]\nimpl = gpu\n' > bad.ini
run tune --shapes shapes --config bad.ini --tries 4 --json rec.jsonl -o t.ini --report page
ok 'a run ends with 0' is $rc 0
ok 'the first candidate is what is in force' sh -c "head -n 1 rec.jsonl | grep -q '\"impl\":\"gpu\"'"
ok 'every record is whole and has ok' all_lines rec.jsonl
ok 'every rejected candidate has its reason' all_reasons rec.jsonl
ok 'no candidate is tried twice' no_twice rec.jsonl
ok 'the fast implementation is chosen' grep -q '^impl = cpu' t.ini
ok 'the file says for what it is' sh -c "grep -q '^device = ..*' t.ini && grep -q '^driver = ..*' t.ini && grep -q '^date = 20' t.ini"
ok 'the report is one page with drawings' sh -c '[ "$(ls page)" = index.html ] && grep -q "<svg" page/index.html && grep -q "</html>" page/index.html'
ok 'that fetches nothing' sh -c '! grep -qE "<script|src=|href=|url\(|@import" page/index.html'
run config --config t.ini --show-origin
ok 'the file is a configuration' is $rc 0
ok 'its values are in force for its shape' grep -q 't.ini:' out
sed 's/^source = ./source = x/' t.ini > stale.ini
run config --config stale.ini --show-origin
ok 'sections of other kernels do not count' sh -c '! grep -q "stale.ini:" out && grep -q "warning: stale.ini: . of . sections" err'

# Without -o the device's own file is written, and in force from then on.
run tune --shapes shapes --config bad.ini --tries 2
ok 'without -o the device has a tuned file' sh -c 'ls data/sdcl/tuned/*.ini > /dev/null && ls data/sdcl/tuned/*.jsonl > /dev/null'
run config --show-origin
ok 'that the next run uses' grep -q 'sdcl/tuned/.*\.ini:' out
rm -rf data

# --resume goes on; nothing is done again.
before=$(wc -l < rec.jsonl)
run tune --shapes shapes --config bad.ini --tries 2 --resume --json rec.jsonl -o t.ini
ok '--resume ends with 0' is $rc 0
ok '--resume tries what was not tried' no_twice rec.jsonl
ok '--resume goes on' [ "$(wc -l < rec.jsonl)" -gt "$before" ]

# Killed in the middle of a line, and two at a time.
rm -f rec.jsonl
"$sdcl" tune --shapes shapes --json rec.jsonl -o k.ini > out 2> err < /dev/null &
pid=$!
i=0
while [ $((i += 1)) -lt 100 ]; do
    [ "$(cat rec.jsonl 2> /dev/null | wc -l)" -ge 2 ] && break
    sleep 0.5
done
kill -9 $pid
wait $pid 2> /dev/null
printf '{"ok":true,"op":"ge' >> rec.jsonl
before=$(grep -c '}$' rec.jsonl)
"$sdcl" tune --shapes shapes --tries 3 --resume --json rec.jsonl -o k.ini > out2 2> err2 < /dev/null &
other=$!
run tune --shapes shapes --tries 3 --resume --json rec.jsonl -o k2.ini
wait $other
ok 'after kill -9 the records go on' sh -c "[ $rc = 0 ] && [ \"\$(grep -c '}\$' rec.jsonl)\" -gt $before ]"
ok 'the half line stays the only one' is "$(grep -vc '^{"ok":\(true\|false\),.*}$' rec.jsonl)" 1
ok 'two processes share the work' no_twice rec.jsonl

# Kernels that are wrong, crash or hang with some values.
cp -r "$root/cl" cl
sed -i 's/^    epilogue e = .*/#if MR == 4\n    flags ^= 1;\n#elif MR == 6\n    *(volatile __global int *)0 = 1;\n#elif MR == 12\n    for (volatile int i = 0; i >= 0; i = 0) {}\n#endif\n&/' cl/gemm_cpu.cl
export SDCL_CL_DIR="$work/cl"
refuses() { # NAME MR REASON TIMEOUT
    rm -f rec.jsonl t.ini
    run tune --shapes shapes --set gemm_cpu.MR="$2" --tries 2 --timeout "$4" --json rec.jsonl -o t.ini
    ok "$1: noticed" sh -c "head -n 1 rec.jsonl | grep -q '\"ok\":false,\"reason\":\"$3'"
    ok "$1: not chosen" sh -c "[ $rc = 0 ] && grep -q '^MR = ' t.ini && ! grep -q '^MR = $2\$' t.ini"
}
refuses 'a kernel that computes something else' 4 'NMSE ' 60s
refuses 'a kernel that crashes' 6 '\(crashed: \|the worker ended\)' 60s
refuses 'a kernel that hangs' 12 'no result within 30 s' 30s
unset SDCL_CL_DIR

# --- usage ---
refused() { # NAME CODE PATTERN ARGUMENTS...
    what=$1 code=$2 pattern=$3
    shift 3
    run "$@"
    ok "$what" sh -c "[ $rc = $code ] && grep -q -e '$pattern' err && [ ! -s out ]"
}
refused 'an op that is none' 2 'no such op' tune --shapes shapes --only gem
refused 'a time that is none' 2 'not a time' tune --budget soon
refused 'a strategy that is none' 2 'no such choice' tune --strategy clever
refused 'a missing file of shapes' 2 'No such file' tune --shapes none
echo '1 gemm f32 f16 0 64 48 40 1 0' > wrong
refused 'a shape without rows' 2 'wrong:1: .*is no shape' tune --shapes wrong
refused 'records that cannot be written' 7 'cannot write records' tune --shapes shapes --json none/rec.jsonl
ok 'no scratch folders are left' sh -c '[ -z "$(ls -d sdcl-tune-[0-9]* 2> /dev/null)" ]'

echo "1..$number"
[ $bad = 0 ]

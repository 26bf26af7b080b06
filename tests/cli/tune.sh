#!/bin/sh
# SPDX-License-Identifier: MIT
# sdcl tune: what it writes, that wrong, crashing and hanging kernels are never chosen, that it goes on after a kill, that processes share their records. TAP.
#   SDCL_PROGRAM=build/sdcl tests/cli/tune.sh        (from the repository root)
# Most runs wait for a compiler or a timeout: those that share nothing run beside each other, each in a folder of its own.
set -u
unset SDCL_MODEL SDCL_CL_DIR SDCL_MISCOMPILE
root=$(pwd)
sdcl=${SDCL_PROGRAM:-build/sdcl}
case $sdcl in /*) ;; *) sdcl=$root/$sdcl ;; esac
work=$(mktemp -d "${TMPDIR:-/tmp}/sdcl-tune-test-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
others='' # process ids
trap '[ -z "$others" ] || kill $others 2> /dev/null; wait; exit 1' INT TERM
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
# FOLDER ARGUMENTS...: beside what follows, with rec.jsonl, t.ini, out, err and rc in that folder.
beside() {
    at=$1
    shift
    mkdir "$at"
    (
        cd "$at" || exit 1
        "$sdcl" "$@" --json rec.jsonl -o t.ini > out 2> err < /dev/null &
        echo $! > pid
        trap 'kill $!; wait; exit 1' TERM
        wait $!
        echo $? > rc
    ) &
    others="$others $!"
}
is() { [ "$1" = "$2" ]; }
# Candidates of a record, one a line: what must not be tried twice.
candidates() { sed -n 's/.*"key":\("[^"]*"\).*"impl":\("[^"]*"\),"values":\({[^}]*}\).*/\1 \2 \3/p' "$1"; }
no_twice() { [ -z "$(candidates "$1" | sort | uniq -d)" ]; }
all_lines() { [ "$(grep -c '^{"ok":\(true\|false\),.*}$' "$1")" = "$(wc -l < "$1")" ]; }
all_reasons() { [ "$(grep -c '"ok":false' "$1")" = "$(grep -c '"ok":false,"reason":"..*' "$1")" ]; }
last_line() { tail -n 1 out | grep -q "^$1"; }

if ! "$sdcl" devices --json 2> /dev/null | head -n 1 | grep -q '"type":"cpu"' || [ "$("$sdcl" devices --json | wc -l)" != 1 ]; then
    echo "ok 1 - tune # SKIP the only device is no CPU"
    exit 0
fi

printf '# one step\n20 gemm f32 f16 1 64 48 40 1 0\n' > shapes
printf '1 layernorm f32 f32 64 40\n' > quick # to compile
printf '[gemm]\nimpl = gpu\n' > bad.ini # slow on a CPU

# Kernels that with some values are wrong, crash or hang.
cp -r "$root/cl" cl
sed -i 's/^    epilogue e = .*/#if MR == 4\n    flags ^= 1;\n#elif MR == 6\n    *(volatile __global int *)0 = 1;\n#elif MR == 12\n    for (volatile int i = 0; i >= 0; i = 0) {}\n#endif\n&/' cl/gemm_cpu.cl
for mr in 4 6 12; do
    printf '[gemm_cpu]\nMR = %s\n' $mr > mr$mr.ini
    [ $mr = 12 ] && late=8s || late=60s
    SDCL_CL_DIR=$work/cl beside mr$mr tune --shapes "$work/shapes" --config "$work/mr$mr.ini" --tries 2 --timeout $late
done

# What a terminal's Ctrl-C would send to the worker of the one that hangs.
interrupt_workers() {
    i=0
    while [ $((i += 1)) -lt 100 ]; do
        workers=$(cat "/proc/$(cat mr12/pid)/task/$(cat mr12/pid)/children" 2> /dev/null)
        [ -z "$workers" ] || kill -INT $workers 2> /dev/null
        sleep 0.2
    done
}
interrupt_workers &
others="$others $!"

# A kernel that is wrong with values that no fill of the harness has where ROWS is 4, and waits where it is not.
cp -r "$root/cl" cl2
sed -i 's/^        rstd\[r\] = .*/&\n        float big = 0;\n        for (int i = 0; i < c; i++) big = fmax(big, fabs((float)LOADX(from, i)));\n#if ROWS == 4\n        if (big > 1.25f \&\& big < 15) rstd[r] = -rstd[r];\n#else\n        for (volatile int i = 0; i < 100000; i++) {}\n#endif/' cl2/layernorm.cl
SDCL_CL_DIR=$work/cl2 beside picture tune --shapes pocket -W 64 -H 64 --only layernorm --budget 5m \
    --set layernorm.WG=1 --set layernorm.VW=16

# One that is wrong with the values that are shipped.
cp -r "$root/cl" cl3
sed -i 's/^        rstd\[r\] = .*/&\n#if WG == 1 \&\& ROWS == 8 \&\& VW == 16\n        rstd[r] = -rstd[r];\n#endif/' cl3/layernorm.cl
SDCL_CL_DIR=$work/cl3 beside shipped tune --shapes "$work/quick" --set layernorm.VW=16 --tries 6 --report page

run tune --shapes shapes --config bad.ini --tries 4 --json rec.jsonl -o t.ini --report page
ok 'a run ends with 0' is $rc 0
ok 'and says last what it wrote' last_line 'written: t.ini$'
ok 'the first candidate is what is in force' sh -c "head -n 1 rec.jsonl | grep -q '\"impl\":\"gpu\"'"
ok 'the second is what is shipped' sh -c "sed -n 2p rec.jsonl | grep -q '\"impl\":\"cpu\"'"
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

# Nothing faster is no failure, and no file.
run tune --shapes quick --tries 1 --json one.jsonl -o none.ini
ok 'nothing faster: exit code 0' is $rc 0
ok 'nothing faster: the last line says so' last_line 'not written: no values are faster'
ok 'nothing faster: no file' [ ! -e none.ini ]

# What --set gives is not searched.
run tune --shapes shapes --config bad.ini --set gemm.impl=cpu --set gemm_cpu.MR=6 --set gemm_cpu.NV=2 --tries 4 --json pin.jsonl -o pin.ini
ok '--set stays as it is' sh -c "[ $rc = 0 ] && [ \$(wc -l < pin.jsonl) = 4 ] && ! grep -qv '\"impl\":\"cpu\".*gemm_cpu.MR\":\"6\",\"gemm_cpu.NV\":\"2\"' pin.jsonl"

# Nor what makes no difference: without sub-groups every REDUCE is the same kernel.
"$sdcl" devices --json | grep -q '"subgroup_exchange":\[\]' && one='"layernorm.REDUCE":"local"' || one='"layernorm.REDUCE"'
run tune --shapes quick --strategy random --set layernorm.WG=1 --set layernorm.VW=16 --json same.jsonl -o same.ini
ok 'what is the same kernel is not tried' sh -c "[ $rc = 0 ] && ! grep -qv '$one' same.jsonl && [ \$(grep -c . same.jsonl) -gt 2 ]"

# What a run that was killed while it compared has left beside its output goes with the next; what is of a living process, of another name, or new, stays: another
# machine's tuner may be at it.
sh -c 'echo $$ > dead'
dead=$(cat dead)
touch -t 202001010000 t.ini.$dead.new t.ini.$dead.shipped t.ini.$$.new t.ini.$dead.newer other.ini.$dead.new "t.ini. $dead.new"
touch t.ini.1$dead.new
mkdir t.ini.$dead.probe
run tune --shapes quick --tries 1 --json one.jsonl -o t.ini
ok 'files of a dead process beside the output are removed' [ $rc = 0 -a ! -e t.ini.$dead.new -a ! -e t.ini.$dead.shipped ]
ok 'and no others' [ -e t.ini.$$.new -a -e t.ini.$dead.newer -a -e other.ini.$dead.new -a -d t.ini.$dead.probe -a -e t.ini.1$dead.new -a -e "t.ini. $dead.new" ]
rm -rf t.ini.* other.ini.*

# Nor what an implementation overrides: AMX's register tile is one, whatever MR and NP say; NQ and RR are too.
printf '1 gemm bf16 f16 1 64 48 40 1 0\n' > tiles
run tune --shapes tiles --strategy full --set gemm.matrix=amx_plain --set gemm.impl=matrix --set gemm_matrix_cpu.RB=96 \
    --set gemm_matrix_cpu.PB=24 --set gemm_matrix_cpu.KC=256 --json tiles.jsonl -o tiles.ini
ok "AMX's register tile is one candidate" sh -c "[ $rc = 0 ] && grep -q amx_plain tiles.jsonl && [ \$(grep -c . tiles.jsonl) = 1 ]"
printf '1 attention bf16 f16 1 32 32 1 16 0\n' > tiles
run tune --shapes tiles --strategy full --set gemm.matrix=amx_plain --set attention.impl=matrix --set attention_matrix_cpu.KB=96 --json tiles2.jsonl -o tiles.ini
ok "AMX's attention varies in GQ alone, of which 16 and 32 are one" sh -c "[ $rc = 0 ] && [ \$(grep -c '\"ok\":true' tiles2.jsonl) = 5 ]"

# At bf16 what computes in f32 is searched, and written, at the precision that it is read at.
printf '[layernorm.f32]\nWG = 256\nROWS = 1\n' > slow.ini
printf '1 layernorm bf16 f16 64 40\n' > tiles
run tune --shapes tiles --config slow.ini --tries 2 --json half.jsonl -o half.ini
ok 'at bf16 a kernel in f32 is tuned as such' sh -c "[ $rc = 0 ] && [ \$(grep -c . half.jsonl) = 2 ] && grep -q '^\[layernorm.f32 M=64 N=40\]' half.ini"

# Whether group normalisation is one launch is searched where its result is applied at once.
printf '[groupnorm]\nimpl = slabs\n' > slabs.ini
printf '20 groupnorm f32 f32 1 8 8 48 16 1\n20 groupnorm f32 f32 1 8 4 48 16 2\n' > norms
run tune --shapes norms --config slabs.ini --tries 5 --json norms.jsonl -o norms.ini
ok 'groupnorm: both implementations are tried' sh -c "[ $rc = 0 ] && grep -q '\"ok\":true.*48 16 1.*\"impl\":\"whole\"' norms.jsonl && grep -q '\"ok\":true.*48 16 1.*\"impl\":\"slabs\"' norms.jsonl"
ok 'groupnorm: statistics alone have one' sh -c "grep -q '\"ok\":true.*48 16 2.*\"impl\":\"slabs\"' norms.jsonl && ! grep -q '\"ok\":true.*48 16 2.*\"impl\":\"whole\"' norms.jsonl"

# A link stays, and what it leads to is written.
cp t.ini real.ini
ln -s real.ini link.ini
run tune --shapes shapes --config bad.ini --budget 0 --resume --json rec.jsonl -o link.ini
ok '--output through a link' sh -c "[ $rc = 0 ] && [ -L link.ini ] && tail -n 1 out | grep -q '^written: .*/real.ini\$'"

# A full disk, where users may mount one: an error that says so, and no half record. Of 4096 bytes the second record finds too few.
full() {
    SDCL="$sdcl" unshare -rm sh -c 'mkdir full && mount -t tmpfs -o size=8k none full && echo > full/fill && printf "{%3500d}\n" 0 > full/rec.jsonl &&
        "$SDCL" tune --shapes quick --tries 3 --json full/rec.jsonl -o f.ini; echo $? > full.rc; cp full/rec.jsonl full.jsonl'
}
if unshare -rm sh -c 'mount -t tmpfs none /mnt' 2> /dev/null; then
    full > out 2> err < /dev/null
    ok 'a full disk is said' sh -c '[ "$(cat full.rc)" = 7 ] && grep -q "full/rec.jsonl: No space left" err'
    ok 'and leaves whole records' sh -c '! sed 1d full.jsonl | grep -qv "^{.*}$" && [ "$(wc -l < full.jsonl)" -ge 2 ] && [ -z "$(tail -c 1 full.jsonl)" ]'
fi

# --resume goes on; nothing is done again.
before=$(wc -l < rec.jsonl)
run tune --shapes shapes --config bad.ini --tries 2 --resume --json rec.jsonl -o t.ini
ok '--resume ends with 0' is $rc 0
ok '--resume tries what was not tried' no_twice rec.jsonl
ok '--resume goes on' [ "$(wc -l < rec.jsonl)" -gt "$before" ]

# Killed in the middle of a line, and two at a time.
rm -f rec.jsonl
"$sdcl" tune --shapes quick --json rec.jsonl -o k.ini > out 2> err < /dev/null &
pid=$! others="$others $!"
i=0
while [ $((i += 1)) -lt 600 ]; do
    [ "$(cat rec.jsonl 2> /dev/null | wc -l)" -ge 2 ] && break
    sleep 0.1
done
kill -9 $pid
wait $pid 2> /dev/null
printf '{"ok":true,"op":"ge' >> rec.jsonl
before=$(grep -c '}$' rec.jsonl)
"$sdcl" tune --shapes quick --tries 3 --resume --json rec.jsonl -o k.ini > out2 2> err2 < /dev/null &
other=$! others="$others $!"
run tune --shapes quick --tries 3 --resume --json rec.jsonl -o k2.ini
wait $other
ok 'after kill -9 the records go on' sh -c "[ $rc = 0 ] && [ \"\$(grep -c '}\$' rec.jsonl)\" -gt $before ]"
ok 'the half line stays the only one' is "$(grep -vc '^{"ok":\(true\|false\),.*}$' rec.jsonl)" 1
ok 'two processes share the work' no_twice rec.jsonl

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
echo mine > mine.ini
mkdir folder
mkfifo pipe
ln -s nowhere/t.ini dangling
refused '--output of a folder' 7 'is a folder' tune --shapes shapes -o folder
refused '--output that is no file' 7 'is no regular file' tune --shapes shapes -o pipe
refused '--output of a file that tune did not write' 7 'tune did not write it' tune --shapes shapes -o mine.ini
refused '--output through a link to nothing' 7 'cannot write dangling' tune --shapes shapes -o dangling
refused '--output in a folder that is missing' 7 'cannot create files in none/' tune --shapes shapes -o none/t.ini
refused '--output without a name' 2 'no name' tune --shapes shapes -o ''
refused '--json of a file without records' 7 'mine\.ini exists, and holds no records' tune --shapes shapes --json mine.ini
refused '--report that is a file' 7 'cannot create files in mine.ini/' tune --shapes shapes --report mine.ini
ok 'a file that tune did not write stays' is "$(cat mine.ini)" mine
ok 'what is no file stays' [ -p pipe -a -L dangling ]
refused 'records that cannot be written' 7 'cannot write records' tune --shapes shapes --json none/rec.jsonl

# --- what ran beside ---
wait
refuses() { # NAME MR REASON
    cd "$work/mr$2" || exit 1
    ok "$1: noticed" sh -c "head -n 1 rec.jsonl | grep -q '\"ok\":false,\"reason\":\"$3'"
    ok "$1: not chosen" sh -c "is_0=\$(cat rc) && [ \$is_0 = 0 ] && grep -q '^MR = ' t.ini && ! grep -q '^MR = $2\$' t.ini"
}
refuses 'a kernel that computes something else' 4 'NMSE '
refuses 'a kernel that crashes' 6 '\(crashed: \|the worker ended\)'
refuses 'a kernel that hangs' 12 'no result within 8 s'
ok 'a signal to a worker is not taken for a crash' sh -c '! grep -q Interrupt rec.jsonl'
cd "$work" || exit 1
"$sdcl" tune --shapes shapes --json stop.jsonl -o stop.ini > out 2> err < /dev/null &
pid=$! others="$others $!"
i=0
while [ $((i += 1)) -lt 600 ] && [ ! -s stop.jsonl ]; do sleep 0.1; done
kill -INT $pid
wait $pid
rc=$?
ok 'an interrupted run ends with 130 and says how to go on' sh -c "[ $rc = 130 ] && grep -q 'stop.jsonl; --resume goes on' err && [ -s stop.jsonl -a ! -e stop.ini ]"
cd "$work/shipped" || exit 1
ok 'shipped values that are wrong: others are found' sh -c '[ "$(cat rc)" = 0 ] && head -n 1 rec.jsonl | grep -q "\"ok\":false,\"reason\":\"NMSE " && grep -q "\"ok\":true" rec.jsonl && last=$(tail -n 1 out) && [ "${last#written: }" = t.ini ]'
ok 'the report names what was rejected' grep -q '<td>NMSE ' page/index.html
cd "$work/picture" || exit 1
ok 'values of another picture: no candidate was wrong' sh -c '[ "$(cat rc)" = 0 ] && grep -q "\"ok\":true.*layernorm.ROWS\":\"4\"" rec.jsonl && ! grep -q "\"ok\":false.*layernorm.ROWS\":\"4\"" rec.jsonl'
ok 'values of another picture: the last line says so' last_line 'not written: faster, but a picture with the new values is another one'
ok 'values of another picture: no file' [ ! -e t.ini ]
cd "$work" || exit 1
ok 'no scratch folders are left' sh -c '[ -z "$(ls -d sdcl-tune-[0-9]* */sdcl-tune-[0-9]* 2> /dev/null)" ]'

echo "1..$number"
[ $bad = 0 ]

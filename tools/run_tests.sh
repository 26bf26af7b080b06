#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs test programs and scripts, a line each, and ends with `N passed, N failed`; exit 1 when anything failed.
#   B=build [SAN=1] run_tests.sh PROGRAM...
# A program prints TAP (cmocka does when asked; `ok 1 - name`, `not ok 2 - name`, `ok 3 # SKIP why`); where it ends with a line
# `N passed, N failed` of its own, that counts. One that crashes, hangs for TEST_TIMEOUT seconds or runs no test has failed. Logs are in $B/logs/.
set -u
export LC_ALL=C.UTF-8
B=${B:-build}
root=$(pwd)
case $B in /*) ;; *) B=$root/$B ;; esac
logs=$B/logs
rm -rf "$logs"
mkdir -p "$logs" "$B/xdg/cache" "$B/xdg/config" "$B/xdg/data"
rm -f "$B"/xdg/cache/sdcl/probe-* # what an earlier run found out about a device

# What the machine's user has set up or cached must not decide a test.
unset SDCL_CL_DIR SDCL_MODEL SDCL_DEBUG
export XDG_CACHE_HOME="$B/xdg/cache" XDG_CONFIG_HOME="$B/xdg/config" XDG_DATA_HOME="$B/xdg/data"
export CMOCKA_MESSAGE_OUTPUT=TAP SDCL_PROGRAM="$B/sdcl"
# Kernels are the same in every build, and no sanitizer looks into them; but a compiler under AddressSanitizer takes ten times as long for one. So its build takes
# what the other has compiled. Where compiling is the subject (cold caches, tune) a test has a folder of its own.
export POCL_CACHE_DIR="${B%/san}/xdg/cache/pocl/kcache"
if [ "${SAN:-}" ]; then
    # Mesa's driver is loaded with RTLD_DEEPBIND, which the sanitizers do not survive: PoCL only.
    export OCL_ICD_VENDORS=/etc/OpenCL/vendors/pocl.icd
    # Thread-local blocks of loaded libraries are not searched for pointers: one that lies 16 bytes into a page, one in 256, is taken for a block of an
    # older glibc, and the search reads where nothing is ("Tracer caught signal 11"). LLVM gives threads that compile a signal stack of its own, which ASan
    # would take for its when they end.
    export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:intercept_tls_get_addr=0:use_sigaltstack=0 UBSAN_OPTIONS=print_stacktrace=1
    export LSAN_OPTIONS=suppressions="$root/tests/lsan.supp":print_suppressions=0
fi

passed=0 failed=0
# Runs a program; its log, and in NAME.status its exit status and milliseconds.
run() {
    name=$(basename "$1" .sh)
    start=$(date +%s%N)
    case $1 in /*) program=$1 ;; *) program=./$1 ;; esac
    timeout "${TEST_TIMEOUT:-600}" "$program" < /dev/null > "$logs/$name.log" 2>&1
    echo $? $((($(date +%s%N) - start) / 1000000)) > "$logs/$name.status"
}

report() {
    name=$(basename "$1" .sh)
    log=$logs/$name.log
    read -r status ms < "$logs/$name.status"
    skipped=$(grep -ciE '^(not )?ok .*# *skip' "$log")
    bad=$(grep '^not ok ' "$log" | grep -civ '# *skip')
    good=$(grep '^ok ' "$log" | grep -civ '# *skip')
    summary=$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$log" | tail -n 1)
    if [ "$summary" ]; then good=${summary% *} bad=${summary#* }; fi
    why=
    if [ $status = 124 ]; then why='ran out of time'
    elif [ $status -ge 128 ]; then why="killed by signal $((status - 128))"
    elif [ $status != 0 ] && [ $bad = 0 ]; then why="exit status $status"
    elif [ $((good + bad + skipped)) = 0 ]; then why='ran no test'
    elif [ $status = 0 ] && [ $bad != 0 ]; then why='reports failures, but exits with 0'
    fi
    [ -z "$why" ] || bad=$((bad + 1))
    passed=$((passed + good)) failed=$((failed + bad))

    verdict=ok
    [ $bad = 0 ] || verdict=FAILED
    printf '%-28s %-6s %4d passed' "$name" "$verdict" "$good"
    [ $bad = 0 ] || printf ', %d failed' "$bad"
    [ $skipped = 0 ] || printf ', %d skipped' "$skipped"
    [ -z "$why" ] || printf ' (%s)' "$why"
    printf '  %d.%d s\n' $((ms / 1000)) $((ms % 1000 / 100))
    if [ $bad != 0 ]; then
        grep -v '^ok ' "$log" | tail -n 60 | sed 's/^/    /'
    fi
}

# Unit tests, most of them compiling on one core, run two at a time; everything else alone. queue: PID:PROGRAM of those that run, oldest first.
queue=
running() {
    set -- $queue
    echo $#
}
report_oldest() {
    set -- $queue
    oldest=$1
    shift
    queue=$*
    wait "${oldest%%:*}"
    report "${oldest#*:}"
}
for program; do
    case $program in
    */tests/test_*)
        run "$program" &
        queue="$queue $!:$program"
        [ "$(running)" -lt 2 ] || report_oldest
        ;;
    *)
        while [ "$queue" ]; do report_oldest; done
        run "$program"
        report "$program"
        ;;
    esac
done
while [ "$queue" ]; do report_oldest; done
echo "$passed passed, $failed failed"
[ $failed = 0 ] && [ $passed != 0 ]

#!/bin/sh
# SPDX-License-Identifier: MIT
# Every header compiles alone, and sdcl.h also as C++ where a C++ compiler is installed; the shared library exports sdcl_* only.
set -u
B=${B:-build}
flags="-D_GNU_SOURCE -Wall -Wextra -Wpedantic -Werror -Iinclude -Ihost -fsyntax-only"
failed=0
check() { # name, command...
    name=$1
    shift
    if output=$("$@" 2>&1); then
        echo "ok - $name"
    else
        printf '%s\nnot ok - %s\n' "$output" "$name"
        failed=1
    fi
}
alone() {
    status=0
    for header in $(find include host -name '*.h' | sort); do
        echo "#include \"${header#*/}\"" | ${CC:-cc} -std=c11 $flags -x c - || { echo "$header does not compile alone"; status=1; }
    done
    return $status
}
exported() {
    names=$(nm -D --defined-only "$B/libsdcl.so" | awk '{ print $3 }')
    echo "$names" | grep -q '^sdcl_' || { echo 'libsdcl.so exports nothing'; return 1; }
    ! echo "$names" | grep -v '^sdcl_'
}
check 'headers compile alone' alone
if command -v c++ > /dev/null; then
    check 'sdcl.h is C++ too' sh -c "echo '#include \"sdcl.h\"' | c++ -std=c++11 $flags -x c++ -"
fi
if [ -e "$B/libsdcl.so" ]; then check 'exported names' exported; fi
exit $failed

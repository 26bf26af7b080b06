#!/bin/sh
# SPDX-License-Identifier: MIT
# What a reader should not have to notice: licence lines, blanks, leftovers, file sizes, format. `make format` repairs the last.
set -u
export LC_ALL=C.UTF-8
LINES_MAX=600 BYTES_MAX=1500000 COLUMNS_MAX=160
if git rev-parse --is-inside-work-tree > /dev/null 2>&1; then
    tracked=$(git ls-files --cached --others --exclude-standard)
else
    tracked=$(find . -path ./build -prune -o -path ./.git -prune -o -type f -print | sed 's|^\./||')
fi
tracked=$(for f in $tracked; do [ ! -f "$f" ] || echo "$f"; done)
pick() { echo "$tracked" | grep -E "$1"; }
c_files=$(pick '^(host|include|tests|tools|bench)/.*\.[ch]$')
sources=$(pick '\.([ch]|cl|sh|py|ini)$|^Makefile$|^\.ci/run$')
texts=$(pick '\.([ch]|cl|sh|py|ini|md|in|cff|map|supp)$|^(Makefile|LICENSE|NOTICE|\.ci/run)$')
here=tools/check_style.sh
failed=0

# name, then offending lines on standard input
verdict() {
    offences=$(cat)
    if [ "$offences" ]; then
        printf '%s\nnot ok - %s\n' "$offences" "$1"
        failed=1
    else
        echo "ok - $1"
    fi
}

verdict 'licence lines' << END
$(for f in $sources; do head -n 3 "$f" | grep -q 'SPDX-License-Identifier: MIT' || echo "$f: no SPDX line"; done)
END
verdict 'no tabs' << END
$(grep -nP '\t' $(echo "$sources" | grep -v Makefile))
END
verdict 'no trailing blanks' << END
$(grep -nE '[[:blank:]]+$' $texts)
END
verdict 'no leftovers' << END
$(grep -nwE 'TODO|FIXME|XXX|HACK' $(echo "$sources" | grep -v "$here"))
END
verdict 'no paths of one machine' << END
$(grep -nE '(^|[^A-Za-z0-9_.$}])/(work|home|root|Users|mnt)/' $(echo "$texts" | grep -v "$here"))
END
verdict "no source above $LINES_MAX lines" << END
$(wc -l $sources | awk -v max=$LINES_MAX '$2 != "total" && $1 > max { print $2 ": " $1 " lines" }')
END
verdict "no line above $COLUMNS_MAX columns" << END
$(grep -noE "^.{$((COLUMNS_MAX + 1))}" $c_files $(pick '^cl/') | cut -c 1-100)
END
verdict 'no large file outside of models' << END
$(wc -c $(echo "$tracked" | grep -v '^models/') | awk -v max=$BYTES_MAX '$2 != "total" && $1 > max { print $2 ": " $1 " bytes" }')
END
# Other versions format differently.
if clang-format --version 2> /dev/null | grep -q 'version 14\.'; then
    verdict 'clang-format' << END
$(clang-format --dry-run -Werror $c_files 2>&1 | grep 'error:' | cut -d: -f1 | uniq -c | awk '{ print $2 ": " $1 " places; run make format" }')
END
else
    echo 'ok - clang-format # SKIP version 14 is not installed'
fi
exit $failed

#!/bin/sh
# SPDX-License-Identifier: MIT
# Documents that say what the program says: docs/kernels.md is what the declarations make, docs/sdcl.1 names the verbs, options, exit codes and version
# of --help and no others, and links between documents lead somewhere.
set -u
B="${B:-build}"
work=$(mktemp -d "${TMPDIR:-/tmp}/sdcl-docs-XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
failed=0
verdict() { # NAME: what was found is in $work/found
    if [ -s "$work/found" ]; then
        head -n 20 "$work/found"
        echo "not ok - $1"
        failed=1
    else
        echo "ok - $1"
    fi
}

"$B/kernel_docs" cl > "$work/kernels.md"
diff docs/kernels.md "$work/kernels.md" > "$work/found" || echo '`make docs/kernels.md` renews it' >> "$work/found"
verdict 'docs/kernels.md is up to date'

# The manual as text: roff's requests, fonts and escapes away.
sed -n '/^\.TH/d; s/^\.\(BR\|BI\|B\|RB\|IR\|RI\|I\|TP\|SH\|SS\|br\|PP\|IP\|nf\|fi\) *//; s/\\f[IBR]//g; s/\\-/-/g; s/"//g; p' docs/sdcl.1 > "$work/manual"
"$B/sdcl" --help > "$work/help"
verbs=$(sed -n '/^Verbs:/,/^$/s/^  \([a-z][a-z]*\).*/\1/p' "$work/help")
for verb in $verbs; do "$B/sdcl" "$verb" --help; done >> "$work/help"

sed -n 's/^  \(-.,\|   \) \(--[a-z-]*\).*/\2/p' "$work/help" | sort -u > "$work/options"
grep -o -e '--[a-z][a-z-]*' "$work/manual" | sort -u > "$work/documented"
{
    comm -23 "$work/options" "$work/documented" | sed 's/$/ is not in the manual/'
    comm -13 "$work/options" "$work/documented" | sed 's/$/ is in the manual, and no option/'
    # The argument of each option, as written there.
    sed -n 's/^  \(-.,\|   \) \(--[a-z-]*\) \([A-Z][A-Z|.=]*\).*/\2 \3/p' "$work/help" | sort -u | while read -r option argument; do
        tr -d ' ' < "$work/manual" | grep -qF -e "$option$argument" || echo "$option $argument is not in the manual in this form"
    done
} > "$work/found"
verdict 'the options of the manual are those of --help'

for verb in $verbs; do
    awk -v verb="$verb" '/^VERBS/ { on = 1 } /^OPTIONS/ { on = 0 } on && $1 == verb { found = 1 } END { exit !found }' "$work/manual" || echo "no verb $verb"
done > "$work/found"
verdict 'every verb is in the manual'

sed -n '/^Exit codes:/,$s/^  \([0-9][0-9]*\)  *\(.*\)/\1 \2/p' "$work/help" | sort -u > "$work/codes"
awk '/^EXIT STATUS/ { on = 1; next } /^[A-Z]+$/ { on = 0 } on && /^[0-9]+$/ { code = $1; getline; print code, $0 }' "$work/manual" | sort -u |
    diff "$work/codes" - > "$work/found"
verdict 'exit codes'

version=$("$B/sdcl" --version)
grep -q "^\.TH SDCL 1 \"\" \"$version\"" docs/sdcl.1 && : > "$work/found" || echo "not $version" > "$work/found"
verdict 'version'

for page in README.md CONTRIBUTING.md docs/*.md models/*/*.md bench/*.md tests/golden/*.md; do
    grep -o ']([^)#: ]*[)#]' "$page" 2> /dev/null | sed 's/^](//; s/[)#]$//' | while read -r target; do
        [ -z "$target" ] || [ -e "$(dirname "$page")/$target" ] || echo "$page: no $target"
    done
done > "$work/found"
verdict 'links'
exit $failed

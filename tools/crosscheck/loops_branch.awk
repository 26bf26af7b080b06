# SPDX-License-Identifier: MIT
# Assembler text -> instructions as lines of loop, depth, text (tabs between); an instruction outside of loops is left out. A loop is a label and the
# last branch back to it.
#   awk -v label=RE -v branch=RE -f loops_branch.awk       both match lines without outer blanks and comments

{
    sub(/[ \t]*(\/\/|;).*/, "")
    gsub(/^[ \t]+/, "")
    if ($0 ~ label) {
        sub(/:.*/, "")
        at[$0] = count
    }
    if ($0 == "" || $0 ~ /^[.{}]/ || $0 ~ label || $0 in at) next
    text[count++] = $0
    if ($0 !~ branch) next
    for (i = 2; i <= NF; i++) {
        gsub(/[,;]/, "", $i)
        if (!($i in at)) continue
        first = at[$i]
        if (!(first in last)) start[loops++] = first
        last[first] = count - 1
    }
}

END {
    for (l = 0; l < loops; l++) {
        first = start[l]
        for (i = first; i <= last[first]; i++) {
            depth[i]++
            if (!(i in loop) || last[first] - first < last[loop[i]] - loop[i]) loop[i] = first
        }
    }
    for (i = 0; i < count; i++) if (i in loop) print loop[i] "\t" depth[i] "\t" text[i]
}

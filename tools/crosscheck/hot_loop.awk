# SPDX-License-Identifier: MIT
# The loop in which most multiplications are, an inner loop counting ten times one around it: prints the share of instructions that match `math`
# among those that are in no loop within it; writes these, without branches, to the file `body`. A loop with a division is an epilogue's, and
# counts only where there is no other.
#   awk -F '\t' -v math=RE -v divide=RE -v branch=RE -v body=FILE -f hot_loop.awk       reads lines of loop, depth, text

{
    parts = split($3, part, " :: ") # two instructions of RDNA3 that are issued together
    all[$1] += parts
    for (p = 1; p <= parts; p++) {
        if (part[p] ~ math) found[$1]++
        if (part[p] ~ divide) divides[$1] = 1
    }
    if (!($1 in level) || $2 < level[$1]) level[$1] = $2
    if ($3 !~ branch) text[$1] = text[$1] $3 "\n"
}

END {
    for (l in found) {
        weight = found[l] * 10 ^ level[l] / (l in divides ? 1e9 : 1)
        if (weight > most) { most = weight; best = l }
    }
    if (!most) { print "no loop with one"; exit }
    printf "%d of %d, %.0f %%\n", found[best], all[best], 100 * found[best] / all[best]
    printf "%s", text[best] > body
}

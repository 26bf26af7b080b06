# SPDX-License-Identifier: MIT
# The loop in which most multiplications are: prints the share of instructions that match `math` among those that are in no loop within it, and
# writes these, without branches, to the file `body`. An inner loop counts ten times one around it, to a depth of 3; one that does little else more,
# by the square of the share; one with a division a thirtieth: it is rather an epilogue.
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
        weight = found[l] * (found[l] / all[l]) ^ 2 * 10 ^ (level[l] < 3 ? level[l] : 3) / (l in divides ? 30 : 1)
        if (weight > most) { most = weight; best = l }
    }
    if (!most) { print "no loop with one"; exit }
    printf "%d of %d, %.0f %%\n", found[best], all[best], 100 * found[best] / all[best]
    printf "%s", text[best] > body
}

# SPDX-License-Identifier: MIT
# The options of attention_gpu as the host passes them: fit() of host/ops/attention_gpu.c makes the tile of a head smaller until registers and local
# memory hold it.
#   awk -v local=BYTES -v items=WORK-ITEMS -f attention_tile.awk       reads and prints one line of options

{
    for (i = 1; i <= NF; i++) { split($i, part, "="); v[substr(part[1], 3)] = part[2] }
    D = v["D"]
    while (v["TQ"] * ceil(D, v["SHARE"]) > 24 && v["SHARE"] < 32) v["SHARE"] *= 2
    if (v["BK"] < v["SHARE"]) v["BK"] = v["SHARE"]
    while (bytes() > local || v["SHARE"] * v["BQ"] / v["TQ"] > items) {
        if (v["BQ"] > 16) v["BQ"] /= 2
        else if (v["BK"] > v["SHARE"]) v["BK"] /= 2
        else if (v["BQ"] > v["TQ"]) v["BQ"] /= 2
        else break
    }
    for (i = 1; i <= NF; i++) { split($i, part, "="); name = substr(part[1], 3); printf "%s-D%s=%s", (i > 1 ? " " : ""), name, v[name] }
    print ""
}

function ceil(a, b) { return int((a + b - 1) / b) }
function bytes() { return 4 * ((v["BQ"] + v["BK"]) * (ceil(D, 4) * 4 + v["PAD"]) + v["BQ"] * (v["BK"] + 4) + v["BQ"] * (v["SHARE"] + 1)) }

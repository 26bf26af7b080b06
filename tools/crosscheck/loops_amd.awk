# SPDX-License-Identifier: MIT
# AMD's assembler text -> instructions as lines of loop, depth, text (tabs between), from the comments that LLVM puts at its blocks; an instruction
# outside of loops is left out. A loop's blocks are not always in a row, and its header not always the first.

/^(\.LBB[0-9_]+:|; %bb\.)/ {
    depth = 0
    name = $1
    gsub(/^\.L|:.*/, "", name)
}
/Loop Header: Depth=/ { loop = name; depth = $0; sub(/.*Depth=/, "", depth) }
/in Loop: Header=/ { loop = $0; sub(/.*Header=/, "", loop); depth = loop; sub(/ .*/, "", loop); sub(/.*Depth=/, "", depth) }

{
    sub(/[ \t]*;.*/, "")
    gsub(/^[ \t]+/, "")
    if ($0 != "" && $0 !~ /^\./ && depth) print loop "\t" depth + 0 "\t" $0
}

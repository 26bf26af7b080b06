# SPDX-License-Identifier: MIT
# What Intel's compiler wrote into a program about a kernel, from the listing of its patch tokens (PTM.txt of ocloc disasm): simd, local, private
# (bytes a work-item), spills (bytes a thread).
#   awk -v entry=NAME -f patch_tokens.awk
# Tokens by number, as in NEO's patch_shared.h: 15 local surface, 18 scratch of a thread, 23 execution environment, 38 private memory.

function hex(s,   i, v) { v = 0; s = tolower(s); for (i = 1; i <= length(s); i++) v = 16 * v + index("0123456789abcdef", substr(s, i, 1)) - 1; return v }
function word(n,   i) { i = 2 + 4 * n; return hex($i) + 256 * (hex($(i + 1)) + 256 * (hex($(i + 2)) + 256 * hex($(i + 3)))) } # of the token's data
function first(name, value) { if (!(name in seen)) { seen[name] = 1; print name, value } }

$1 == "KernelName" { mine = $2 == entry }
$2 == "Token" { token = $3 }
mine && $1 == "Hex" && token == 15 { first("local", word(1)) }
mine && $1 == "Hex" && token == 18 { first("spills", word(1)) }
mine && $1 == "Hex" && token == 23 { first("simd", word(3)) }
mine && $1 == "Hex" && token == 38 { first("private", word(3)) }
END { if ("simd" in seen) { first("local", 0); first("spills", 0); first("private", 0) } }

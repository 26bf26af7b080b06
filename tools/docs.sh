#!/bin/sh
# SPDX-License-Identifier: MIT
# Renews what the documents show of the program itself: the sheet of pictures that README.md opens with.
set -eu
B=${B:-build}
work=$(mktemp -d "${TMPDIR:-/tmp}/sdcl-docs-XXXXXX")
trap 'rm -rf "$work"' EXIT
i=0
while read -r seed prompt; do
    i=$((i + 1))
    "$B/sdcl" -q --model models/pocket --prompt "$prompt" --seed "$seed" --cfg-scale 5 --output "$work/$(printf %02d $i).png"
done << END
1 a red apple
2 an owl on a blue background
3 a hamburger
4 a rocket, teal background
5 a fox on a teal background
6 a snowman on a pink background
7 an octopus on a yellow background
8 a cactus
9 a tulip, purple background
10 a whale, black background
11 a guitar on an orange background
12 a penguin on a green background
END
"$B/sheet" docs/sheet.png 6 "$work"/*.png
echo 'docs/sheet.png is written'

#!/bin/sh
# SPDX-License-Identifier: MIT
# The options of cl/subgroup.h for a compiler's target, as the host passes them: "... NVIDIA sm_86", for segments of LANES items (16).
#   exchange.sh TARGET [LANES]
lanes=${2:-16}
width=$lanes
case $1 in
*sm_*) how=NVIDIA width=32 ;;
*gfx*) how=AMD ;;
*) how=INTEL; [ "$width" -ge 8 ] || width=8 ;;
esac
sed -n "s/^#define EXCHANGE_$how \([0-9]*\)$/-DEXCHANGE=\1 -DWIDTH=$width -DLANES=$lanes/p" cl/subgroup.h

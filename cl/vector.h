/* SPDX-License-Identifier: MIT */
/* The vector that a kernel of rows works with: VW = 8 or 16 floats, and its loads, stores and functions by that width. */
#define PASTE(a, b) JOIN(a, b)
#define PASTE4_(a, b, c, d) a##b##c##d
#define PASTE4(a, b, c, d) PASTE4_(a, b, c, d)
#define VECTOR PASTE(float, VW)
#define LOADV(p) PASTE(vload, VW)(0, p)
#define LOADXV(p, i) PASTE4(LOAD, VW, _, XT)(p, i)
#define STOREV(v, p) PASTE(vstore, VW)(v, 0, p)
#define STOREYV(v, p, i) PASTE4(STORE, VW, _, YT)(v, p, i)
#define SILUV PASTE(silu_, VW)
#define EXPV PASTE(exp_, VW)
#define SUMV PASTE(sum_, VW)
#define MAXV PASTE(max_, VW)

/* SPDX-License-Identifier: MIT */
/* The vector that a kernel of rows works with: VW = 8 or 16 floats, and its loads, stores and functions by that width. */
#define JOIN4_(a, b, c, d) a##b##c##d
#define JOIN4(a, b, c, d) JOIN4_(a, b, c, d)
#define VECTOR JOIN(float, VW)
#define LOADV(p) JOIN(vload, VW)(0, p)
#define LOADXV(p, i) JOIN4(LOAD, VW, _, XT)(p, i)
#define STOREV(v, p) JOIN(vstore, VW)(v, 0, p)
#define STOREYV(v, p, i) JOIN4(STORE, VW, _, YT)(v, p, i)
#define SILUV JOIN(silu_, VW)
#define EXPV JOIN(exp_, VW)
#define SUMV JOIN(sum_, VW)
#define MAXV JOIN(max_, VW)

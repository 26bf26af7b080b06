/* SPDX-License-Identifier: MIT */
/* The drawings of the report: self-contained SVG, coloured by the page's style sheet. */
#ifndef SDCL_TUNE_REPORT_H
#define SDCL_TUNE_REPORT_H

#include "base/strbuf.h"
#include "tune/tune.h"

/* Text with < > & " escaped. */
void html_text(strbuf *out, const char *text);
/* "c0" ... : the style class of an op. */
int op_class(const char *op);

void draw_roofline(strbuf *out, const tuner *t, double peak_gflops, double copy_gbs);
/* Seconds a picture, as far as its steps were known, over the time of the search. */
void draw_convergence(strbuf *out, const tuner *t);
/* The pairs of values of a key that were tried in most combinations: best milliseconds of each. */
void draw_heat_maps(strbuf *out, const tune_key *k);

#endif

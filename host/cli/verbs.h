/* SPDX-License-Identifier: MIT */
/* The verbs. Each returns a status whose message it recorded (cli/message.h). */
#ifndef SDCL_CLI_VERBS_H
#define SDCL_CLI_VERBS_H

#include "cli/options.h"

int cli_gen(const options *o);
int cli_devices(const options *o);
int cli_inspect(const options *o);
int cli_info(const options *o);
int cli_config(const options *o);
int cli_bench(const options *o);
int cli_selftest(const options *o);
int cli_tune(const options *o);

/* The tables behind gen --dry-run (standard output) and --profile (stderr). */
void report_memory(const options *o, const sdcl_device *d, const sdcl_job *job, const sdcl_memory *m);
int report_profile(sdcl *s);

#endif

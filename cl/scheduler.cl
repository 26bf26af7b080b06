/* SPDX-License-Identifier: MIT */
/* The arithmetic of one sampler step: guidance, then a few linear combinations of slots, in order. Everything is elementwise, so one work-item takes one
 * value of the latent through all of it.
 *   slots (16, len): row 0 the state, row 1 the model output    pred (2, len): unconditional, conditional; or (1, len)
 *   program: guidance scale, rows, whether pred is read, then per row: output slot, clamp (0: none), 16 factors
 *   launch: dimension 0 groups of WG items over len */
#define SLOTS 16

__kernel __attribute__((reqd_work_group_size(WG, 1, 1)))
void scheduler(__global float *slots, ulong so, __global const float *pred, ulong po, __global const float *program, ulong go, int len,
               int guided)
{
    int i = (int)get_global_id(0);
    if (i >= len) return;
    slots += so + (size_t)i;
    program += go;
    if (program[2] != 0.0f) {
        float u = pred[po + (size_t)i];
        slots[len] = guided ? u + program[0] * (pred[po + (size_t)len + (size_t)i] - u) : u;
    }
    int rows = (int)program[1];
    for (int r = 0; r < rows; r++) {
        __global const float *row = program + 3 + r * (2 + SLOTS);
        float sum = 0.0f, bound = row[1];
        for (int s = 0; s < SLOTS; s++) {
            float factor = row[2 + s];
            if (factor != 0.0f) sum = fma(factor, slots[(size_t)s * (size_t)len], sum);
        }
        slots[(size_t)row[0] * (size_t)len] = bound > 0.0f ? clamp(sum, -bound, bound) : sum;
    }
}

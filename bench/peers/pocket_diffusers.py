#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Seconds of one StableDiffusionPipeline call (model loaded, warmed up) on a model folder; one line of JSON.
usage: pocket_diffusers.py [MODEL] [--steps 20] [--cfg 5] [--runs 5] [--threads 2] [--png FILE]
Needs torch, diffusers, transformers from PyPI."""
import argparse, json, statistics, time

import torch
from diffusers import DPMSolverMultistepScheduler, StableDiffusionPipeline


def main():
    a = argparse.ArgumentParser()
    a.add_argument("model", nargs="?", default="models/pocket")
    a.add_argument("--steps", type=int, default=20)
    a.add_argument("--cfg", type=float, default=5.0)
    a.add_argument("--runs", type=int, default=5)
    a.add_argument("--threads", type=int, default=2)
    a.add_argument("--prompt", default="a red apple on a blue background")
    a.add_argument("--png")
    o = a.parse_args()
    torch.set_num_threads(o.threads)
    pipe = StableDiffusionPipeline.from_pretrained(o.model, torch_dtype=torch.float32)
    pipe.scheduler = DPMSolverMultistepScheduler.from_config(pipe.scheduler.config, use_karras_sigmas=True)
    pipe.set_progress_bar_config(disable=True)
    seconds = []
    for i in range(o.runs + 1):
        begin = time.perf_counter()
        image = pipe(o.prompt, num_inference_steps=o.steps, guidance_scale=o.cfg, generator=torch.Generator("cpu").manual_seed(1)).images[0]
        if i:
            seconds.append(time.perf_counter() - begin)
    if o.png:
        image.save(o.png)
    print(json.dumps({"peer": "diffusers", "torch": torch.__version__, "median_s": round(statistics.median(seconds), 4), "min_s": round(min(seconds), 4)}))


if __name__ == "__main__":
    main()

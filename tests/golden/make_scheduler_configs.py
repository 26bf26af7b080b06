#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes scheduler_configs.json: runs of diffusers' schedulers under scheduler configs other than Stable Diffusion 1.5's.

The toy model is that of schedulers.json, with sigma limited to 4096 and its output turned into what the config's prediction_type asks for.
Tables and timesteps are the schedulers' own, in float32; the steps themselves run in float64, because under a zero terminal SNR the
reference's float32 arithmetic loses half of its digits. Needs diffusers 0.39 and torch."""
import json
import math
import sys

import diffusers
import numpy as np
import torch
from diffusers.schedulers import scheduling_ddim, scheduling_euler_ancestral_discrete, scheduling_euler_discrete

TARGET = {"ddim": "DDIMScheduler", "plms": "PNDMScheduler", "euler": "EulerDiscreteScheduler",
          "euler_a": "EulerAncestralDiscreteScheduler", "dpmpp_2m": "DPMSolverMultistepScheduler"}
SCHEDULE = {"default": {}, "karras": {"use_karras_sigmas": True}, **{s: {"timestep_spacing": s} for s in ("trailing", "leading", "linspace")}}
SD = {"_class_name": "PNDMScheduler", "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "num_train_timesteps": 1000,
      "set_alpha_to_one": False, "skip_prk_steps": True, "steps_offset": 1, "clip_sample": False}


def sd(drop=(), **more):
    return {**{k: v for k, v in SD.items() if k not in drop}, **more}


class DoubleTorch:
    """torch, for schedulers that cast their state to float32."""
    float32 = torch.float64

    def __getattr__(self, name):
        return getattr(torch, name)


class Noise:
    draws = 0

    def __call__(self, shape, **_):
        value = math.sin(1.7 * self.draws + 0.3)
        self.draws += 1
        return torch.full(shape, value, dtype=torch.float64)


def model(x, t, alphas, prediction):
    a = alphas.double().numpy()
    with np.errstate(divide="ignore"):
        table = np.log(np.minimum(np.sqrt((1 - a) / a), 4096.0))
    s = math.exp(np.interp(float(t), np.arange(len(a)), table))
    x = x.numpy()
    X = x * math.sqrt(1 + s * s)
    D = (0.25 * X + s * s * np.tanh(X / (0.25 + s * s))) / (0.25 + s * s)
    eps = (X - D) / s
    alpha = 1 / math.sqrt(1 + s * s)
    out = {"epsilon": eps, "v_prediction": alpha * eps - s * alpha * D, "sample": D}[prediction]
    return torch.from_numpy(out)


def make(sampler, config, schedule):
    source = getattr(diffusers, config["_class_name"]).from_config(config)
    return getattr(diffusers, TARGET[sampler]).from_config(source.config, **SCHEDULE[schedule])


def run(sampler, config, steps, schedule="default", eta=0.0):
    noise = Noise()
    scheduling_ddim.randn_tensor = scheduling_euler_ancestral_discrete.randn_tensor = noise
    euler = scheduling_euler_discrete, scheduling_euler_ancestral_discrete
    for module in euler:
        module.torch = torch
    s = make(sampler, config, schedule)
    s.set_timesteps(steps)
    for table in ("alphas_cumprod", "final_alpha_cumprod", "sigmas"):
        if hasattr(s, table):
            setattr(s, table, getattr(s, table).double())
    for module in euler:
        module.torch = DoubleTorch()
    x = torch.tensor([0.8, -0.3, 1.5, -2.1], dtype=torch.float64) * s.init_noise_sigma
    first = None
    for t in s.timesteps:
        out = model(s.scale_model_input(x, t), t, s.alphas_cumprod, s.config.prediction_type)
        x = s.step(out, t, x, **({"eta": eta} if sampler == "ddim" else {})).prev_sample
        first = x if first is None else first
    def nine(v):
        return [float(f"{float(i):.9g}") for i in v]
    assert all(map(math.isfinite, nine(x))), (sampler, config)
    return {"sampler": sampler, "schedule": schedule, "steps": steps, "eta": eta, "config": config,
            "init_noise_sigma": nine([s.init_noise_sigma])[0], "timesteps": nine(s.timesteps), "draws": noise.draws, "x1": nine(first), "x": nine(x)}


def cases():
    pocket = sd(prediction_type="epsilon", timestep_spacing="leading")
    for sampler in TARGET:
        yield run(sampler, sd(prediction_type="v_prediction"), 10)
        yield run(sampler, pocket, 10)
        yield run(sampler, sd(steps_offset=0, timestep_spacing="trailing"), 7)
        yield run(sampler, sd(beta_schedule="linear", beta_start=0.0001, beta_end=0.02), 10)
        yield run(sampler, sd(beta_schedule="squaredcos_cap_v2", prediction_type="v_prediction"), 10)
        yield run(sampler, sd(trained_betas=[0.01 * (i + 1) for i in range(30)], num_train_timesteps=30), 6)
        yield run(sampler, sd(_class_name="DDIMScheduler", rescale_betas_zero_snr=True, prediction_type="v_prediction"), 10, "trailing")
        yield run(sampler, sd(_class_name="EulerDiscreteScheduler", use_karras_sigmas=True), 8)
        yield run(sampler, sd(_class_name="EulerDiscreteScheduler", use_exponential_sigmas=True, final_sigmas_type="sigma_min"), 8)
    for sampler in ("ddim", "euler", "dpmpp_2m"):
        yield run(sampler, sd(prediction_type="sample"), 10)
    for sampler in ("euler", "dpmpp_2m"):
        yield run(sampler, pocket, 10, "karras")
        yield run(sampler, sd(beta_schedule="linear"), 10, "karras")
    yield run("euler", sd(beta_schedule="squaredcos_cap_v2"), 10, "karras")
    for eta in (0.0, 0.5, 1.0):
        yield run("ddim", sd(clip_sample=True), 10, eta=eta)
        yield run("ddim", sd(clip_sample=True, clip_sample_range=0.5, prediction_type="v_prediction"), 10, eta=eta)
        yield run("ddim", sd(clip_sample=True, prediction_type="sample", set_alpha_to_one=True), 10, eta=eta)
        yield run("ddim", sd(("clip_sample", "set_alpha_to_one")), 10, eta=eta)
    yield run("ddim", sd(_class_name="DDIMScheduler", rescale_betas_zero_snr=True, prediction_type="v_prediction"), 10, "trailing", 1.0)
    yield run("plms", sd(("set_alpha_to_one",)), 10)
    yield run("plms", sd(set_alpha_to_one=True), 10)
    for steps in (4, 5, 10, 30):
        yield run("plms", sd(skip_prk_steps=False), steps)
    yield run("plms", sd(skip_prk_steps=False, prediction_type="v_prediction"), 10, "trailing")
    for steps in (3, 10, 20):
        for more in ({"solver_order": 1}, {"solver_order": 3}, {"solver_type": "heun"}, {"solver_type": "heun", "final_sigmas_type": "sigma_min"},
                     {"solver_order": 3, "euler_at_final": True}, {"lower_order_final": False}, {"lower_order_final": False, "solver_order": 3},
                     {"use_lu_lambdas": True}, {"use_karras_sigmas": True, "final_sigmas_type": "sigma_min"}, {"use_exponential_sigmas": True}):
            yield run("dpmpp_2m", sd(_class_name="DPMSolverMultistepScheduler", **more), steps)
    yield run("dpmpp_2m", sd(_class_name="DEISMultistepScheduler", algorithm_type="deis", solver_type="logrho", solver_order=2, final_sigmas_type="sigma_min"), 10)
    yield run("dpmpp_2m", sd(_class_name="UniPCMultistepScheduler", solver_type="bh2", solver_order=3), 10)


about = "Schedulers of diffusers under other configs, steps in float64; toy model and noise as in schedulers.json (see make_scheduler_configs.py)."
with open(sys.argv[1], "w") as f:
    rows = ",\n".join(json.dumps(c) for c in cases())
    f.write('{"about": %s, "diffusers": "%s", "cases": [\n%s\n]}\n' % (json.dumps(about), diffusers.__version__, rows))

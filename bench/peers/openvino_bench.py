#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The same as diffusers_bench.py with OpenVINO on its CPU device: static shapes; models converted from PyTorch once and kept in --cache as IR with f16 weights.
usage: openvino_bench.py [--precision f32|bf16] [--width 512] [--height 512] [--batch 1] [--steps 3] [--threads 2] [--cache DIR]
precision is OpenVINO's inference precision hint. Needs openvino, torch, diffusers, transformers from PyPI; torch only to convert."""
import argparse, os, subprocess, sys

import numpy as np
import openvino as ov

import peer

NAMES = ("text", "unet", "vae")


def convert(folder, o):
    """Runs in a process of its own, so that PyTorch is not in the one that is measured."""
    import torch

    import sd_v1_random as sd

    class Output(torch.nn.Module):
        def __init__(self, module, run):
            super().__init__()
            self.module, self.run = module, run

        def forward(self, *inputs):
            return self.run(self.module, *inputs)

    class Unet(Output):
        def forward(self, sample, t, context):
            return self.run(self.module, sample, t, context)

    rows, h, w = 2 * o.batch, o.height // 8, o.width // 8
    models = {"text": lambda: (Output(sd.text_encoder(), lambda m, ids: m(ids, return_dict=False)[0]), (torch.zeros(2, 77, dtype=torch.long),)),
              "unet": lambda: (Unet(sd.unet(), lambda m, x, t, c: m(x, t, c, return_dict=False)[0]),
                               (torch.zeros(rows, 4, h, w), torch.tensor(481.0), torch.zeros(rows, 77, 768))),
              "vae": lambda: (Output(sd.vae(), lambda m, z: m.decode(z, return_dict=False)[0]), (torch.zeros(1, 4, h, w),))}
    os.makedirs(folder, exist_ok=True)
    for name in NAMES:
        module, example = models[name]()
        with torch.no_grad():
            model = ov.convert_model(module.eval(), example_input=example, input=[tuple(x.shape) for x in example])
        ov.save_model(model, os.path.join(folder, name + ".xml"), compress_to_fp16=True)
        del module, model


def main():
    parser = argparse.ArgumentParser()
    home = os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache"))
    parser.add_argument("--cache", default=os.path.join(home, "sdcl-openvino-bench"))
    parser.add_argument("--convert", action="store_true", help="only that")
    o = peer.arguments(parser)
    folder = os.path.join(o.cache, f"{o.width}x{o.height}x{o.batch}")
    if o.convert:
        return convert(folder, o)
    if not all(os.path.exists(os.path.join(folder, n + ".bin")) for n in NAMES):
        subprocess.run([sys.executable, *sys.argv, "--convert"], check=True, stdout=sys.stderr)
    core = ov.Core()
    settings = {"INFERENCE_NUM_THREADS": o.threads, "INFERENCE_PRECISION_HINT": o.precision, "PERFORMANCE_HINT": "LATENCY"}
    random = np.random.default_rng(1)
    seconds = []
    compiled = [core.compile_model(os.path.join(folder, n + ".xml"), "CPU", settings) for n in NAMES]
    for model in compiled:
        request = model.create_infer_request()
        for i, port in enumerate(model.inputs):
            shape = list(port.shape)
            integer = port.element_type == ov.Type.i64
            values = np.full(shape, 481.0, np.float32) if not shape else random.integers(0, 49408, shape) if integer else random.standard_normal(shape, dtype=np.float32)
            request.set_input_tensor(i, ov.Tensor(values))
        seconds.append(peer.timed(request.infer, o.steps))
    peer.report("openvino", ov.__version__, o, *seconds)


if __name__ == "__main__":
    main()

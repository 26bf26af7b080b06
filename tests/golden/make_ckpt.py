#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes tests/golden/ckpt: the same few tensors in the ways in which torch.save writes them. Needs torch and safetensors."""
import collections, os, sys
import numpy, torch
from safetensors.torch import save_file

folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "ckpt")
os.makedirs(folder, exist_ok=True)
torch.manual_seed(1)
tensors = collections.OrderedDict(
    f32=torch.randn(3, 4), f16=torch.randn(2, 3, 2, 2).half(), bf16=torch.randn(5).bfloat16(), f64=torch.randn(2).double(),
    i64=torch.arange(3), i32=torch.arange(3, dtype=torch.int32), i16=torch.arange(3, dtype=torch.int16),
    i8=torch.arange(3, dtype=torch.int8), u8=torch.arange(3, dtype=torch.uint8), bool=torch.tensor([True, False]),
    scalar=torch.tensor(2.5), empty=torch.zeros(0, 4))
save_file({k: v.contiguous() for k, v in tensors.items()}, folder + "/expected.safetensors")
save = lambda name, value, **how: torch.save(value, f"{folder}/{name}.ckpt", **how)

layer = torch.nn.Linear(2, 2)
optimizer = torch.optim.AdamW(layer.parameters())
layer(torch.randn(1, 2)).sum().backward()
optimizer.step()
state = collections.OrderedDict(tensors)
state["f32"] = torch.nn.Parameter(state["f32"])
state._metadata = collections.OrderedDict([("", {"version": 1})])
training = {"epoch": 3, "global_step": 10**12, "state_dict": state, "optimizer_states": [optimizer.state_dict()],
            "lr_schedulers": [{"lr": numpy.float64(1e-4), "seen": {1, 2}, "raw": b"\0\1", "none": None}],
            "callbacks": {"best": (1.5, torch.Size([2, 2]))}}
save("zip", training)
save("legacy", training, _use_new_zipfile_serialization=False)

views = dict(tensors)
views["f32"] = tensors["f32"].t().contiguous().t()
views["f16"] = tensors["f16"].contiguous(memory_format=torch.channels_last)
both = torch.cat([tensors["i64"], tensors["i64"] + 7])
views["i64"] = both[:3]
views["bf16"] = torch.stack([tensors["bf16"], tensors["bf16"] + 1], 1)[:, 0]
save("views", {"state_dict": views, "another view": both[3:]})
torch.serialization.set_crc32_options(False)
save("bare", dict(tensors), pickle_protocol=4)

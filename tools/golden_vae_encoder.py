# SPDX-License-Identifier: MIT
"""Moments (mean, logarithm of the variance) of diffusers' VAE encoder for a picture, float32 on the CPU:
   tools/golden_vae_encoder.py MODEL PICTURE OUTPUT.npy      (needs torch, diffusers, Pillow)"""
import sys

import numpy as np
import torch
from diffusers import AutoencoderKL
from PIL import Image

model, picture, output = sys.argv[1:]
torch.set_num_threads(1)
vae = AutoencoderKL.from_pretrained(model, subfolder="vae", torch_dtype=torch.float32)
rgb = np.asarray(Image.open(picture).convert("RGB"), dtype=np.float32) / 127.5 - 1
with torch.no_grad():
    x = torch.from_numpy(rgb).permute(2, 0, 1)[None]
    moments = vae.quant_conv(vae.encoder(x))
np.save(output, moments.numpy())

# SPDX-License-Identifier: MIT
"""The data set as VAE latents: (colours, things, 4, 16, 16), scaled to unit standard deviation. Made once, kept in OUT/latents.pt."""
import os
import numpy as np, torch
from diffusers import AutoencoderKL
from data import load, COLOURS
def latents(out):
    """-> latents scaled to standard deviation 1, the scaling factor, items"""
    f = out + '/latents.pt'; items, _ = load()
    if not os.path.exists(f):
        vae = AutoencoderKL.from_pretrained(out + '/vae', torch_dtype=torch.float32).eval(); rows = []
        rgba = torch.from_numpy(np.stack([i[4] for i in items])).permute(0, 3, 1, 2).float() / 255
        with torch.no_grad(), torch.autocast('cpu', torch.bfloat16):
            for c, v in COLOURS.items():
                x = (rgba[:, :3] * rgba[:, 3:] + torch.tensor(v).float().view(1, 3, 1, 1) / 255 * (1 - rgba[:, 3:])) * 2 - 1
                rows.append(torch.cat([vae.encode(x[i:i+32]).latent_dist.mean.float() for i in range(0, len(x), 32)])); print('latents', c, flush=True)
        torch.save(torch.stack(rows), f)
    z = torch.load(f); assert z.shape[1] == len(items), 'the data changed: remove latents.pt'
    s = 1 / z.std().item()
    return z * s, s, items

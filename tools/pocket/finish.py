# SPDX-License-Identifier: MIT
"""Write the trained pocket model as the folder to ship: f16 weights, f32 configs, checked to load. usage: finish.py OUT DEST"""
import json, os, shutil, sys, torch
from safetensors.torch import load_file, save_file
out, dest = sys.argv[1:3]; shutil.rmtree(dest, ignore_errors=True); shutil.copytree(out + '/pipe', dest); total = 0
for part, f in (('unet', 'diffusion_pytorch_model'), ('vae', 'diffusion_pytorch_model'), ('text_encoder', 'model')):
    p = f'{dest}/{part}/{f}.safetensors'; t = {k: v.half().contiguous() if v.is_floating_point() else v for k, v in load_file(p).items()}
    assert all(torch.isfinite(v.float()).all() for v in t.values()); save_file(t, p, metadata={'format': 'pt'}); total += os.path.getsize(p); print(part, len(t), sum(v.numel() for v in t.values()), os.path.getsize(p))
    c = f'{dest}/{part}/config.json'; j = json.load(open(c)); j.pop('_name_or_path', None); json.dump(j, open(c, 'w'), indent=2, sort_keys=True)
for r, _, fs in os.walk(dest):
    for f in fs: os.chmod(os.path.join(r, f), 0o644)
print('total', total)
from diffusers import StableDiffusionPipeline
StableDiffusionPipeline.from_pretrained(dest); print('loads')

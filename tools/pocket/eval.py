# SPDX-License-Identifier: MIT
"""How well do pictures follow prompts? For each name: generate on a white and on a coloured background, find the nearest training picture
(32x32 RGB, L2) among all names, and check the background colour. Prints top-1, top-5 and colour accuracy.
usage: eval.py MODEL_FOLDER [every] [steps] [cfg] [SHEET.png]"""
import sys, numpy as np, torch
from PIL import Image
from diffusers import StableDiffusionPipeline, DDIMScheduler
from data import load, COLOURS
torch.set_num_threads(2); torch.manual_seed(0)
model, every = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5; steps = int(sys.argv[3]) if len(sys.argv) > 3 else 20; cfg = float(sys.argv[4]) if len(sys.argv) > 4 else 5
p = StableDiffusionPipeline.from_pretrained(model, torch_dtype=torch.float32); p.set_progress_bar_config(disable=True); p.scheduler = DDIMScheduler.from_config(p.scheduler.config)
items, _ = load(); cols = list(COLOURS)
def over(a, bg): a = a.astype(float); return a[..., :3] * a[..., 3:] / 255 + np.array(bg) * (1 - a[..., 3:] / 255)
def small(x): return np.asarray(Image.fromarray(x.astype(np.uint8)).resize((32, 32), Image.BOX)).astype(float).ravel()
top1 = top5 = colour = n = 0; sheet = []
ix = list(range(0, len(items), every))
for k, i in enumerate(ix):
    c = cols[k % len(cols)]; q = ('an ' if items[i][2][0] in 'aeiou' else 'a ') + items[i][2] + ('' if c == 'white' else f' on a {c} background')
    im = np.asarray(p(q, num_inference_steps=steps, guidance_scale=cfg, generator=torch.Generator().manual_seed(i)).images[0])
    d = [((small(im) - small(over(x[4], COLOURS[c]))) ** 2).sum() for x in items]; r = np.argsort(d).tolist().index(i); top1 += r == 0; top5 += r < 5; n += 1
    e = np.median(np.concatenate([im[:4].reshape(-1, 3), im[-4:].reshape(-1, 3)]), 0); colour += np.argmin([((e - np.array(v)) ** 2).sum() for v in COLOURS.values()]) == cols.index(c)
    if len(sheet) < 48: sheet.append(im)
print(f'{n} prompts, {steps} steps, cfg {cfg}: right picture first {100*top1/n:.0f} %, among five {100*top5/n:.0f} %, right background {100*colour/n:.0f} %')
if len(sys.argv) > 5: Image.fromarray(np.concatenate([np.concatenate(sheet[k:k + 8], 1) for k in range(0, len(sheet) // 8 * 8, 8)], 0)).save(sys.argv[5])

# SPDX-License-Identifier: MIT
"""Train the pocket text encoder as CLIP does: captions against pictures (their VAE latents), symmetric InfoNCE.

usage: train_clip.py OUT STEPS [threads]      writes OUT/pipe/text_encoder
"""
import sys, time, math, os, random, json
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
from transformers import CLIPTextModel, CLIPTextConfig, CLIPTokenizer
from latents import latents
from captions import caption
import tokenizer as tk
OUT, TOTAL, NT = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 2
torch.set_num_threads(NT); torch.manual_seed(0); random.seed(0)
if not os.path.exists(OUT+'/pipe/tokenizer/vocab.json'): tk.write(OUT+'/pipe/tokenizer')
nv = len(json.load(open(OUT+'/pipe/tokenizer/vocab.json'))); tok = CLIPTokenizer.from_pretrained(OUT+'/pipe/tokenizer')
lat, _, items = latents(OUT); names = [i[2] for i in items]; keys = [[k for k in i[3] if k != i[2] and len(k) > 1] for i in items]
text = CLIPTextModel(CLIPTextConfig(vocab_size=nv, hidden_size=128, intermediate_size=512, num_hidden_layers=4, num_attention_heads=4, max_position_embeddings=77, hidden_act='quick_gelu',
        bos_token_id=nv-2, eos_token_id=nv-1, pad_token_id=nv-1, projection_dim=128, attn_implementation='eager'))
vision = nn.Sequential(nn.Conv2d(4,64,3,padding=1), nn.GroupNorm(8,64), nn.SiLU(), nn.Conv2d(64,128,4,4), nn.GroupNorm(8,128), nn.SiLU(), nn.Flatten(), nn.Linear(2048,256), nn.SiLU(), nn.Linear(256,128))
proj = nn.Linear(128,128,bias=False); logit = nn.Parameter(torch.tensor(math.log(14.)))
P = list(text.parameters())+list(vision.parameters())+list(proj.parameters())+[logit]; opt = torch.optim.AdamW(P, lr=1e-3, betas=(.9,.98), weight_decay=.01)
t0 = time.time(); hit = []; B = 192
for step in range(TOTAL):
    for g in opt.param_groups: g['lr'] = 1e-3*min(1,(step+1)/100)*(.5*(1+math.cos(math.pi*step/TOTAL))*.97+.03)
    i = torch.randperm(len(items))[:B]; c = torch.randint(12,(B,)); c[torch.rand(B)<.3] = 0
    h = B//3; i[h:2*h] = i[:h]                                  # a third of the batch: the same thing on another background
    ids = tok([caption(names[a],keys[a],b,0) for a,b in zip(i.tolist(),c.tolist())], padding='max_length', truncation=True, max_length=32, return_tensors='pt').input_ids
    x = text(ids).last_hidden_state; x = x[torch.arange(B), (ids==nv-1).int().argmax(1)]
    a, b = F.normalize(proj(x),dim=1), F.normalize(vision(lat[c,i]+.3*torch.randn(B,4,16,16)),dim=1)
    s = logit.exp().clamp(max=60)*a@b.T; same = (i[:,None]==i[None])&(c[:,None]==c[None]); s = s.masked_fill(same&~torch.eye(B,dtype=torch.bool), -1e4)
    y = torch.arange(B); loss = (F.cross_entropy(s,y)+F.cross_entropy(s.T,y))/2
    opt.zero_grad(set_to_none=True); loss.backward(); torch.nn.utils.clip_grad_norm_(P,1.0); opt.step(); hit.append((s.argmax(1)==y).float().mean().item())
    if (step+1)%50==0: print(f'{time.time()-t0:.0f}s step {step+1}/{TOTAL} loss {loss.item():.3f} right {np.mean(hit[-50:]):.3f}', flush=True)
text.save_pretrained(OUT+'/pipe/text_encoder')

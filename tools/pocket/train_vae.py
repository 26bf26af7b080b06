# SPDX-License-Identifier: MIT
"""Train the pocket AutoencoderKL (f8, 4 latent channels, the SD v1 topology, narrow).

usage: train_vae.py OUT TOTAL_STEPS [threads]      resumes from OUT/vae.pt; safe to stop at any time
"""
import sys, time, math, os, random
import numpy as np, torch, torch.nn.functional as F
from diffusers import AutoencoderKL
from data import load, COLOURS
OUT, TOTAL, NT = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 2
os.makedirs(OUT, exist_ok=True); torch.set_num_threads(NT)
cfg = dict(in_channels=3, out_channels=3, down_block_types=['DownEncoderBlock2D']*4, up_block_types=['UpDecoderBlock2D']*4,
           block_out_channels=[24,48,96,128], layers_per_block=1, latent_channels=4, norm_num_groups=8, sample_size=128, scaling_factor=1.0)
vae = AutoencoderKL(**cfg)
opt = torch.optim.AdamW(vae.parameters(), lr=1e-3, betas=(.9,.99), weight_decay=1e-4); step = 0
if os.path.exists(OUT+'/vae.pt'):
    s = torch.load(OUT+'/vae.pt'); vae.load_state_dict(s['m']); opt.load_state_dict(s['o']); step = s['step']; print('resumed at', step)
torch.manual_seed(step); np.random.seed(step); random.seed(step)
items, _ = load(); rgba = torch.from_numpy(np.stack([i[4] for i in items])).permute(0,3,1,2).float()/255
named = torch.tensor(list(COLOURS.values())).float()/255
def batch(n, crop):
    i = torch.randint(len(rgba), (n,)); a = rgba[i]
    if crop:
        out = torch.empty(n,4,64,64)
        for k in range(n):
            x, y = random.randint(0,64), random.randint(0,64); out[k] = a[k,:,y:y+64,x:x+64]
        a = out
    if random.random()<.5: a = a.flip(3)
    bg = torch.rand(n,3,1,1)
    k = torch.rand(n) < .35; bg[k] = 1.0
    k = torch.rand(n) < .4; bg[k] = named[torch.randint(len(named),(int(k.sum()),))][:,:,None,None]
    return ((a[:,:3]*a[:,3:]+bg*(1-a[:,3:]))*2-1).contiguous()
def grad(x): return x[:,:,1:]-x[:,:,:-1], x[:,:,:,1:]-x[:,:,:,:-1]
t0 = time.time(); n0 = step; acc = []
while step < TOTAL:
    p = step/TOTAL; lr = 1.2e-3*min(1,(step+1)/100)*(.5*(1+math.cos(math.pi*p))*.97+.03)
    for g in opt.param_groups: g['lr']=lr
    crop = p < .75; x = batch(16 if crop else 8, crop)
    with torch.autocast('cpu', torch.bfloat16):
        d = vae.encode(x).latent_dist; z = d.mean + torch.exp(.5*d.logvar.clamp(-30,20))*torch.randn_like(d.mean)
        y = vae.decode(z).sample
    y = y.float(); m, lv = d.mean.float(), d.logvar.float().clamp(-30,20)
    kl = .5*(m*m+lv.exp()-1-lv).mean(); l2 = F.mse_loss(y,x); gr = 0; xx, yy = x, y
    for s in range(3):
        for a,b in zip(grad(xx),grad(yy)): gr = gr+(a-b).abs().mean()
        xx, yy = F.avg_pool2d(xx,2), F.avg_pool2d(yy,2)
    loss = (y-x).abs().mean()+l2+.4*gr+1e-4*kl
    opt.zero_grad(set_to_none=True); loss.backward(); torch.nn.utils.clip_grad_norm_(vae.parameters(),1.0); opt.step(); step += 1
    acc.append((loss.item(), l2.item(), kl.item(), m.std().item()))
    if step%50==0:
        a = np.mean(acc,0); acc = []
        print(f'{time.time()-t0:.0f}s step {step}/{TOTAL} {(step-n0)/(time.time()-t0):.2f} it/s loss {a[0]:.4f} psnr {10*math.log10(4/a[1]):.2f} kl {a[2]:.2f} std {a[3]:.2f}', flush=True)
    if step%250==0 or step==TOTAL:
        torch.save({'m':vae.state_dict(),'o':opt.state_dict(),'step':step}, OUT+'/vae.tmp'); os.replace(OUT+'/vae.tmp', OUT+'/vae.pt'); vae.save_pretrained(OUT+'/vae')

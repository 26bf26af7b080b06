# SPDX-License-Identifier: MIT
"""Train the pocket UNet on the latents of the trained VAE, with the frozen text encoder of train_clip.py.

usage: train_ldm.py OUT TOTAL_STEPS [threads [FROM]]     one process
       torchrun --nproc-per-node N train_ldm.py OUT TOTAL_STEPS 1 [FROM]     N processes of one thread: a third faster on two cores
Resumes from OUT/ldm.pt, else starts from the finished model folder FROM (its VAE, tokenizer and weights), else from OUT/vae and nothing.
Writes a diffusers pipeline folder to OUT/pipe; safe to stop at any time.
"""
import sys, time, math, os, random, json, copy, shutil
import numpy as np, torch, torch.nn.functional as F
from diffusers import AutoencoderKL, UNet2DConditionModel, DDIMScheduler, PNDMScheduler, StableDiffusionPipeline
from diffusers.models.attention_processor import AttnProcessor
from transformers import CLIPTextModel, CLIPTextConfig, CLIPTokenizer
from data import COLOURS
from latents import latents
from captions import caption
import torch.distributed as dist
RANK, WORLD = int(os.environ.get('RANK', 0)), int(os.environ.get('WORLD_SIZE', 1))
if WORLD > 1: dist.init_process_group('gloo')
OUT, TOTAL, NT = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv)>3 else 2
torch.set_num_threads(NT); FROM = sys.argv[4] if len(sys.argv)>4 else None; os.makedirs(OUT, exist_ok=True)
if FROM and not os.path.exists(OUT+'/pipe'): shutil.copytree(FROM, OUT+'/pipe'); shutil.copytree(FROM+'/vae', OUT+'/vae', dirs_exist_ok=True)
tok = CLIPTokenizer.from_pretrained(OUT+'/pipe/tokenizer')
lat, scale, items = latents(OUT); names = [i[2] for i in items]; keys = [[k for k in i[3] if k != i[2] and len(k) > 1] for i in items]; cols = list(COLOURS)
print('latents', tuple(lat.shape), 'scaling_factor', scale)
text = CLIPTextModel.from_pretrained(OUT+'/pipe/text_encoder', torch_dtype=torch.float32, attn_implementation='eager').eval().requires_grad_(False)
unet = UNet2DConditionModel(sample_size=16, in_channels=4, out_channels=4, block_out_channels=(48,96,144,144), layers_per_block=1, attention_head_dim=4, cross_attention_dim=128, norm_num_groups=16,
        down_block_types=['CrossAttnDownBlock2D']*3+['DownBlock2D'], up_block_types=['UpBlock2D']+['CrossAttnUpBlock2D']*3)
if FROM and not os.path.exists(OUT+'/ldm.pt'):
    unet.load_state_dict(UNet2DConditionModel.from_pretrained(FROM+'/unet', torch_dtype=torch.float32).state_dict())
unet.set_attn_processor(AttnProcessor())   # the flash kernels are slow for heads this small
P = list(unet.parameters()); step = 0
print('params', sum(p.numel() for p in P))
opt = torch.optim.AdamW(P, lr=1e-3, betas=(.9,.99), weight_decay=1e-3); ema = [p.detach().clone() for p in P]
if os.path.exists(OUT+'/ldm.pt'):
    s = torch.load(OUT+'/ldm.pt'); opt.load_state_dict(s['o']); step = s['step']; ema = s['ema']
    for p, q in zip(P, s['p']): p.data.copy_(q)
    print('resumed at', step)
torch.manual_seed(step*WORLD+RANK); np.random.seed(step*WORLD+RANK); random.seed(step*WORLD+RANK)
beta = torch.linspace(.00085**.5,.012**.5,1000)**2; A = torch.cumprod(1-beta,0); snr = A/(1-A); B = 64//WORLD
def save():
    torch.save({'o':opt.state_dict(),'step':step,'ema':ema,'p':[p.data for p in P]}, OUT+'/ldm.tmp'); os.replace(OUT+'/ldm.tmp', OUT+'/ldm.pt')
    u2 = copy.deepcopy(unet)
    for p, q in zip(u2.parameters(), ema): p.data.copy_(q)
    u2.save_pretrained(OUT+'/pipe/unet')
    v = AutoencoderKL.from_pretrained(OUT+'/vae', torch_dtype=torch.float32); v.register_to_config(scaling_factor=scale); v.save_pretrained(OUT+'/pipe/vae')
    PNDMScheduler(beta_start=.00085,beta_end=.012,beta_schedule='scaled_linear',num_train_timesteps=1000,set_alpha_to_one=False,skip_prk_steps=True,steps_offset=1).save_pretrained(OUT+'/pipe/scheduler')
    json.dump({"_class_name":"StableDiffusionPipeline","_diffusers_version":"0.39.0","feature_extractor":[None,None],"safety_checker":[None,None],"requires_safety_checker":False,"scheduler":["diffusers","PNDMScheduler"],
        "text_encoder":["transformers","CLIPTextModel"],"tokenizer":["transformers","CLIPTokenizer"],"unet":["diffusers","UNet2DConditionModel"],"vae":["diffusers","AutoencoderKL"],"image_encoder":[None,None]}, open(OUT+'/pipe/model_index.json','w'), indent=1)
t0 = time.time(); n0 = step; acc = []
while step < TOTAL:
    p = step/TOTAL; lr = 1.2e-3*min(1,(step+1)/200)*(.5*(1+math.cos(math.pi*p))*.97+.03)
    for g in opt.param_groups: g['lr']=lr
    i = torch.randint(len(items),(B,)); c = torch.randint(len(cols),(B,)); c[torch.rand(B)<.4] = 0
    z = lat[c,i]; ids = tok([caption(names[a],keys[a],b) for a,b in zip(i.tolist(),c.tolist())], padding='max_length', truncation=True, max_length=77, return_tensors='pt').input_ids
    t = torch.randint(1000,(B,)); a = A[t].view(-1,1,1,1)
    e = torch.randn_like(z)+.3*torch.randn(B,4,1,1)   # offset noise: a flat background's mean must come from the prompt
    x = a.sqrt()*z+(1-a).sqrt()*e
    with torch.autocast('cpu', torch.bfloat16):
        with torch.no_grad(): h = text(ids).last_hidden_state
        y = unet(x, t, h).sample
    w = torch.minimum(snr[t], torch.tensor(5.))/snr[t]
    loss = (w*((y.float()-e)**2).mean((1,2,3))).mean()
    opt.zero_grad(set_to_none=True); loss.backward()
    if WORLD > 1:
        g = torch.cat([p.grad.flatten() for p in P]); dist.all_reduce(g); g /= WORLD
        for p, q in zip(P, g.split([p.numel() for p in P])): p.grad.copy_(q.view_as(p))
    torch.nn.utils.clip_grad_norm_(P, 1.0); opt.step(); step += 1
    d = min(.999, (step+1)/(step+20))
    with torch.no_grad(): torch._foreach_mul_(ema, d); torch._foreach_add_(ema, [q.data for q in P], alpha=1-d)
    acc.append(loss.item())
    if RANK == 0 and step%25==0: print(f'{time.time()-t0:.0f}s step {step}/{TOTAL} {(step-n0)/(time.time()-t0):.3f} it/s loss {np.mean(acc):.4f}', flush=True); acc = []
    if RANK == 0 and (step%200==0 or step==TOTAL): save()

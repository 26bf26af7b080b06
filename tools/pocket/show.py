# SPDX-License-Identifier: MIT
"""Contact sheets. usage: show.py vae OUT PNG | show.py gen OUT PNG [steps] [cfg] [sampler seed]"""
import sys, numpy as np, torch
from PIL import Image
torch.set_num_threads(1); what, out, png = sys.argv[1:4]
if what == 'vae':
    from diffusers import AutoencoderKL
    from data import load
    v = AutoencoderKL.from_pretrained(out+'/vae').eval(); items, _ = load(); ix = list(range(5, len(items), len(items)//12))[:12]
    a = torch.from_numpy(np.stack([items[i][4] for i in ix])).permute(0,3,1,2).float()/255
    bg = torch.tensor([[1,1,1],[.2,.4,.8],[.98,.84,.27]]).repeat(4,1)[:,:,None,None]
    x = (a[:,:3]*a[:,3:]+bg*(1-a[:,3:]))*2-1
    with torch.no_grad(): y = v.decode(v.encode(x).latent_dist.mean).sample
    print('psnr', 10*np.log10(4/((x-y)**2).mean().item()))
    g = torch.cat([x,y]).clamp(-1,1).add(1).mul(127.5).byte().permute(0,2,3,1).numpy()
    rows = [np.concatenate(list(g[k*12:(k+1)*12]),1) for k in range(2)]; Image.fromarray(np.concatenate(rows,0)).save(png)
else:
    from diffusers import StableDiffusionPipeline, DDIMScheduler
    p = StableDiffusionPipeline.from_pretrained(out+'/pipe'); p.set_progress_bar_config(disable=True); p.scheduler = DDIMScheduler.from_config(p.scheduler.config)
    n = int(sys.argv[4]) if len(sys.argv)>4 else 20; cfg = float(sys.argv[5]) if len(sys.argv)>5 else 4
    prompts = ['a red apple','a cat face','an owl on a blue background','a rocket','grinning face','pizza, yellow background','a frog','a bicycle','a castle','a dog face on a green background','a guitar','a penguin',
               'a snowman on a teal background','hot beverage','a sports car','a tulip, pink background','an octopus','a robot','thumbs','a cactus on a yellow background','a blue heart','a whale, black background','a crown','a hamburger']
    ims = [np.asarray(p(q, num_inference_steps=n, guidance_scale=cfg, generator=torch.Generator().manual_seed(i)).images[0]) for i, q in enumerate(prompts)]
    Image.fromarray(np.concatenate([np.concatenate(ims[k*8:(k+1)*8],1) for k in range(3)],0)).save(png)

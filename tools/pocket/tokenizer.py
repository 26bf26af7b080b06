# SPDX-License-Identifier: MIT
"""Train a small CLIP-style byte-level BPE on emoji names and write it in CLIP's file format."""
import collections, json, os, re, sys
from data import CLDR, COLOURS
EXTRA = '''a an the of on in with and no background picture photo emoji icon drawing big small light dark plain colour color happy sad young old'''.split()
def byte_symbols():
    bs = list(range(33,127))+list(range(161,173))+list(range(174,256)); cs = bs[:]; n = 0
    for b in range(256):
        if b not in bs: bs.append(b); cs.append(256+n); n += 1
    return dict(zip(bs, map(chr, cs)))
def corpus():
    c = collections.Counter()
    for _, _, text in re.findall(r'<annotation cp="([^"]+)"( type="tts")?>([^<]*)<', open(CLDR+'annotations/en.xml').read()):
        for w in re.findall(r"[^\W\d_]+|\d|[^\s\w]+", text.lower().replace('|',' ')): c[w] += 1
    for w in EXTRA+list(COLOURS): c[w] += 200
    return c
def train(n):
    b2u = byte_symbols(); words = {}
    for w, k in corpus().items():
        s = [b2u[b] for b in w.encode()]; s[-1] += '</w>'; words[tuple(s)] = words.get(tuple(s),0)+k
    merges = []
    while len(merges) < n:
        p = collections.Counter()
        for s, k in words.items():
            for a, b in zip(s, s[1:]): p[a,b] += k
        if not p: break
        best = max(sorted(p), key=lambda x: p[x])
        if p[best] < 2: break
        merges.append(best); new = {}
        for s, k in words.items():
            out, i = [], 0
            while i < len(s):
                if i+1 < len(s) and (s[i],s[i+1]) == best: out.append(s[i]+s[i+1]); i += 2
                else: out.append(s[i]); i += 1
            new[tuple(out)] = new.get(tuple(out),0)+k
        words = new
    syms = list(b2u.values())
    order = [b2u[b] for b in list(range(33,127))+list(range(161,173))+list(range(174,256))]+[b2u[b] for b in range(256) if not (33<=b<127 or 161<=b<173 or b>=174)]
    vocab = order+[s+'</w>' for s in order]+[a+b for a,b in merges]+['<|startoftext|>','<|endoftext|>']
    return merges, {t:i for i,t in enumerate(vocab)}
def write(d, n=1534):
    os.makedirs(d, exist_ok=True); merges, vocab = train(n)
    json.dump(vocab, open(d+'/vocab.json','w'), ensure_ascii=False)
    open(d+'/merges.txt','w').write('#version: 0.2\n'+''.join(f'{a} {b}\n' for a,b in merges))
    tok = lambda c: {"content":c,"lstrip":False,"normalized":True,"rstrip":False,"single_word":False}
    json.dump({"add_prefix_space":False,"bos_token":tok("<|startoftext|>"),"eos_token":tok("<|endoftext|>"),"unk_token":tok("<|endoftext|>"),"pad_token":"<|endoftext|>","do_lower_case":True,"errors":"replace","model_max_length":77,"tokenizer_class":"CLIPTokenizer"}, open(d+'/tokenizer_config.json','w'), indent=1)
    json.dump({"bos_token":tok("<|startoftext|>"),"eos_token":tok("<|endoftext|>"),"unk_token":tok("<|endoftext|>"),"pad_token":"<|endoftext|>"}, open(d+'/special_tokens_map.json','w'), indent=1)
    return len(vocab)
if __name__ == '__main__':
    print(write(sys.argv[1]))
    from transformers import CLIPTokenizer
    t = CLIPTokenizer.from_pretrained(sys.argv[1])
    for p in ['a red apple on a blue background','grinning cat','xylophone zebra']: print(t.tokenize(p), len(t(p).input_ids))

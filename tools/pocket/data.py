# SPDX-License-Identifier: MIT
"""Noto Color Emoji bitmaps and CLDR captions as a small text-to-image data set."""
import io, re, sys
import numpy as np
from fontTools.ttLib import TTFont
from PIL import Image

FONT = '/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf'
CLDR = '/usr/share/unicode/cldr/common/'
SIZE = 128
KEEP = {'face-positive','face-neutral','face-negative','face-sick','face-role','face-fantasy','cat-face','monkey-face',
        'animal-mammal','animal-bird','animal-amphibian','animal-reptile','animal-marine','animal-bug','plant-flower','plant-other',
        'food-fruit','food-vegetable','food-prepared','food-sweet','food-marine','drink','dishware',
        'sky & weather','transport-ground','transport-water','transport-air',
        'emotion','sport','musical-instrument'}
COLOURS = {'white':(255,255,255),'black':(16,16,20),'red':(214,48,49),'orange':(250,150,40),'yellow':(250,215,70),'green':(60,160,80),
           'blue':(50,100,210),'purple':(130,70,180),'pink':(250,160,190),'brown':(120,80,50),'grey':(140,140,145),'teal':(30,150,150)}

def single(s):
    out = []
    s = re.sub(r'\{[^}]*\}', '', s.strip().strip('[]'))
    i = 0
    while i < len(s):
        if i + 2 < len(s) and s[i+1] == '-':
            out += [chr(c) for c in range(ord(s[i]), ord(s[i+2]) + 1)]; i += 3
        else:
            out.append(s[i]); i += 1
    return out

def load():
    f = TTFont(FONT); cm = f.getBestCmap(); strike = f['CBDT'].strikeData[0]
    names, keys = {}, {}
    for cp, tts, text in re.findall(r'<annotation cp="([^"]+)"( type="tts")?>([^<]*)<', open(CLDR+'annotations/en.xml').read()):
        if tts: names[cp] = text
        else: keys[cp] = [k.strip() for k in text.split('|')]
    seen, items, labels = set(), [], {}
    for line in open(CLDR+'properties/labels.txt'):
        if line.startswith('#') or ';' not in line: continue
        p = [x.strip() for x in line.split(';')]
        lab = p[2] if len(p) > 2 else p[1]
        for c in single(p[0]):
            labels.setdefault(lab, 0); labels[lab] += 1
            if lab not in KEEP or c in seen or ord(c) not in cm or c not in names: continue
            g = strike.get(cm[ord(c)])
            if g is None or not getattr(g, 'imageData', b''): continue
            seen.add(c)
            im = Image.open(io.BytesIO(g.imageData)).convert('RGBA')
            im = im.resize((120, 113), Image.LANCZOS)
            full = Image.new('RGBA', (SIZE, SIZE), (255, 255, 255, 0)); full.paste(im, (4, 8))
            items.append((c, lab, names[c].lower(), [k.lower() for k in keys.get(c, [])], np.asarray(full)))
    return items, labels

if __name__ == '__main__':
    items, labels = load()
    print(len(items)); print(labels)
    for it in items[::40]: print(it[:4])
    n = 20; sheet = Image.new('RGB', (n*128, 10*128), 'white')
    for i in range(200):
        a = Image.fromarray(items[i*len(items)//200][4], 'RGBA'); sheet.paste(a, ((i%n)*128, (i//n)*128), a)
    sheet.resize((1280, 640)).save('sheet.png')

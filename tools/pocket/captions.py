# SPDX-License-Identifier: MIT
"""Captions for a thing on a background."""
import random
from data import COLOURS
COLS = list(COLOURS)
def caption(name, keys, c, empty=.1):
    n = name
    if random.random() < empty: return ''
    if random.random() < .2 and keys: n = ' '.join(random.sample(keys, min(len(keys), random.choice([1, 2]))))
    r = random.random()
    if r < .4: n = ('an ' if n[0] in 'aeiou' else 'a ') + n
    elif r < .46: n += ' emoji'
    if COLS[c] == 'white' and random.random() < .75: return n
    r = random.random()
    return n + (f' on a {COLS[c]} background' if r < .5 else f', {COLS[c]} background' if r < .9 else f' on {COLS[c]}')

# coding: utf-8
# nextitem.ipynb, exported with nbconvert and cleaned up a little
# In[1]:

import copy
import csv
import math
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import einsum

# In[2]: everything one might turn

T = 30              # context
D, H, L = 48, 2, 2  # width, heads, layers
DROP = 0.2
BS = 16
LR = 3e-3
WD = 0.01
EPOCHS = 8
K = 10


# In[3]: log (user,item,unix time) -> lists of item numbers 1..n, oldest first

def load(fn):
    with open(fn) as f:
        rows = [(u, float(t), i) for u, i, t in csv.reader(f)]
    rows.sort(key=lambda r: (r[0], r[1]))
    num, seqs = {}, {}
    for u, _, i in rows:
        seqs.setdefault(u, []).append(num.setdefault(i, len(num) + 1))
    return [s for s in seqs.values() if len(s) > 3], len(num)


def cut(seqs):
    tr = [s[:-2] for s in seqs]
    va = [(s[:-2], s[-2]) for s in seqs]
    te = [(s[:-1], s[-1]) for s in seqs]
    return tr, va, te


# In[4]: windows of T + 1 items, counted from the end of each list

def left(s, w):
    s = list(s)[-w:]
    return [0] * (w - len(s)) + s


def windows(seqs):
    out = []
    for s in seqs:
        for e in range(len(s), 1, -T):
            out.append(left(s[:e], T + 1))
    return torch.tensor(out)


# In[5]: weights

def init(n):
    def g(*shape, std=0.02):
        return torch.nn.Parameter(torch.randn(*shape) * std)

    def const(c):
        return torch.nn.Parameter(torch.full((D,), float(c)))

    W = {'E': g(n + 1, D, std=0.1), 'P': g(T, D, std=0.1), 'gz': const(1), 'bz': const(0)}
    for l in range(L):
        for c in 'qkv':
            W[f'{c}{l}'] = g(D, H, D // H, std=D ** -0.5)
        W[f'o{l}'] = g(H, D // H, D)
        W[f'up{l}'] = g(D, 2 * D, std=D ** -0.5)
        W[f'dn{l}'] = g(2 * D, D)
        W[f'ga{l}'], W[f'ba{l}'] = const(1), const(0)
        W[f'gf{l}'], W[f'bf{l}'] = const(1), const(0)
    return W


# In[6]: the net. x (B, t) -> (B, t, D)

def att(W, l, h, see, training):
    q, k, v = (einsum('btd,dhe->bhte', h, W[f'{c}{l}']) for c in 'qkv')
    a = einsum('bhie,bhje->bhij', q, k) / math.sqrt(D // H)
    a = a.masked_fill(~see, -1e9).softmax(-1)
    a = F.dropout(a, DROP, training)
    return einsum('bhij,bhje,hed->bid', a, v, W[f'o{l}'])


def net(W, x, training=False):
    real = x > 0
    t = x.shape[1]
    see = torch.ones(t, t, dtype=torch.bool, device=x.device).tril() & real[:, None, None, :]
    h = F.dropout(W['E'][x] + W['P'][-t:], DROP, training)
    for l in range(L):
        z = F.layer_norm(h, (D,), W[f'ga{l}'], W[f'ba{l}'])
        h = h + F.dropout(att(W, l, z, see, training), DROP, training)
        z = F.layer_norm(h, (D,), W[f'gf{l}'], W[f'bf{l}'])
        h = h + F.dropout(F.gelu(z @ W[f'up{l}']) @ W[f'dn{l}'], DROP, training)
    return F.layer_norm(h, (D,), W['gz'], W['bz'])


@torch.no_grad()
def last(W, x):
    """scores of all n + 1 numbers for what follows x"""
    return net(W, x)[:, -1] @ W['E'].T


# In[7]: training

def optimizer(W):
    mats = [p for k, p in W.items() if p.dim() > 1 and k not in 'EP']
    rest = [p for k, p in W.items() if p.dim() == 1 or k in 'EP']
    return torch.optim.AdamW([{'params': mats, 'weight_decay': WD}, {'params': rest, 'weight_decay': 0.}], lr=LR)


def epoch(W, opt, data, gen):
    tot = torch.zeros((), device=data.device)
    perm = torch.randperm(len(data), generator=gen).to(data.device)
    for ix in perm.split(BS):
        b = data[ix]
        x, y = b[:, :-1], b[:, 1:]
        logits = net(W, x, training=True) @ W['E'].T
        loss = F.cross_entropy(logits.flatten(0, 1), y.flatten(), ignore_index=0)
        opt.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(W.values(), 1.)
        opt.step()
        tot += loss.detach() * len(b)
    return float(tot) / len(data)


# In[8]: full ranking, what was seen before is not recommended again

def evaluate(W, part, bs=256):
    ndcg = hit = 0.
    for a in range(0, len(part), bs):
        chunk = part[a:a + bs]
        s = last(W, torch.tensor([left(h, T) for h, _ in chunk])).cpu().numpy()
        y = np.array([y for _, y in chunk])
        s[:, 0] = -np.inf
        for r, (h, _) in enumerate(chunk):
            s[r, [i for i in h if i != y[r]]] = -np.inf
        top = np.argsort(-s, 1, kind='stable')[:, :K]
        r = np.where(top == y[:, None])[1] + 1
        hit += len(r)
        ndcg += (1 / np.log2(r + 1)).sum()
    return ndcg / len(part), hit / len(part)


# In[9]:

if __name__ == '__main__':
    torch.manual_seed(0)
    gen = torch.Generator().manual_seed(0)
    seqs, n = load(sys.argv[1])
    tr, va, te = cut(seqs)
    W = init(n)
    opt = optimizer(W)
    data = windows(tr)
    best, keep = -1., None
    for e in range(EPOCHS):
        loss = epoch(W, opt, data, gen)
        ndcg, hit = evaluate(W, va)
        print(e, f'loss {loss:.3f} valid ndcg {ndcg:.4f} hit {hit:.4f}')
        if ndcg > best:
            best, keep = ndcg, copy.deepcopy(W)
    print('test ndcg %.4f hit %.4f' % evaluate(keep, te))

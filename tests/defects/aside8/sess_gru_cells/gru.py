# GRU4Rec-ish net, BPR-max, training by hand.

# %%
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sessions import Store, windows
from torch.nn.utils.rnn import pack_padded_sequence

DIM, HID = 48, 64
P_IN, P_OUT = 0.25, 0.1
BATCH, WIDTH = 32, 10
N_SAMPLE, ALPHA = 64, 0.5
BPREG = 0.05
LR, LR_DROP = 0.08, 0.97
CLIP = 5.0


# %%
class Net(nn.Module):
    """item embedding -> GRU -> back to item space; the embedding is also the output layer (tied)"""

    def __init__(self, n_items):
        super().__init__()
        self.E = nn.Embedding(n_items + 1, DIM, padding_idx=0)
        self.gru = nn.GRU(DIM, HID)
        self.back = nn.Linear(HID, DIM)
        self.bias = nn.Parameter(torch.zeros(n_items + 1))
        self.start = nn.Parameter(torch.zeros(HID))
        self.drop_in, self.drop_out = nn.Dropout(P_IN), nn.Dropout(P_OUT)
        nn.init.normal_(self.E.weight[1:].detach(), std=0.1)

    def first_state(self, n):
        return self.start.expand(1, n, HID).contiguous()

    def roll(self, x, lens, h, in_order=True):
        """x (B, T) padded behind -> what is known after each click, packed (N, DIM), and the state (1, B, HID)"""
        emb = pack_padded_sequence(self.drop_in(self.E(x)), lens, batch_first=True, enforce_sorted=in_order)
        steps, h = self.gru(emb, h)
        return self.query(steps.data), h

    def query(self, h):
        return torch.tanh(self.back(self.drop_out(h)))

    def against(self, q, ids):
        """q (N, DIM), one list of ids for all of them -> (N, len(ids))"""
        return q @ self.E(ids).t() + self.bias[ids]

    def paired(self, q, ids):
        return (q * self.E(ids)).sum(1) + self.bias[ids]


def packed(a, lens):
    return pack_padded_sequence(torch.as_tensor(a), lens, batch_first=True).data


# %% arXiv 1706.03847, eq. 10 + the score regularisation below it
def bpr_max(pos, neg, off):
    """pos (N,), neg (N, S), off (N, S) True where the negative is something the session does click"""
    w = neg.masked_fill(off, -1e9).softmax(dim=1)
    beat = torch.sigmoid(pos.unsqueeze(1) - neg)
    rank = -torch.log((w * beat).sum(1) + 1e-12)
    reg = (w * neg**2).sum(1)
    return (rank + BPREG * reg).mean()


def clicked(whole, n_items):
    m = np.zeros((len(whole), n_items + 1), dtype=bool)
    for k, s in enumerate(whole):
        m[k, s] = True
    return m


# %%
class Run:
    """net + optimiser + sample store + the rng, i.e. all that a cell below needs"""

    def __init__(self, seqs, n_items, seed=0, dev="cpu"):
        self.seqs = [s for s in seqs if len(s) > 1]
        self.n_items, self.dev = n_items, dev
        self.rng = np.random.default_rng(seed)
        counts = np.bincount(np.concatenate(self.seqs), minlength=n_items + 1)
        self.store = Store(counts + 1, N_SAMPLE, ALPHA, self.rng)
        self.net = Net(n_items).to(dev)
        self.opt = torch.optim.Adagrad(self.net.parameters(), lr=LR)
        self.done = 0

    def one_epoch(self):
        net, opt = self.net, self.opt
        net.train()
        for g in opt.param_groups:
            g["lr"] = LR * LR_DROP**self.done
        seen, total, h = 0, torch.zeros((), device=self.dev), None
        for x, y, lens, whole, first in windows(self.seqs, BATCH, WIDTH, self.rng):
            n = len(x)
            h = net.first_state(n) if first else h[:, :n].detach()
            q, h = net.roll(torch.as_tensor(x).to(self.dev), lens, h)

            neg = self.store.draw()
            off = clicked(whole, self.n_items)[:, neg]
            off = off[packed(np.repeat(np.arange(n)[:, None], x.shape[1], axis=1), lens).numpy()]
            pos = net.paired(q, packed(y, lens).to(self.dev))
            neg = net.against(q, torch.as_tensor(neg).to(self.dev))
            loss = bpr_max(pos, neg, torch.as_tensor(off).to(self.dev))

            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), CLIP)
            opt.step()
            total += loss.detach() * len(pos)
            seen += len(pos)
        self.done += 1
        return total.item() / seen

    @torch.no_grad()
    def after(self, hist):
        """hist (B, L), padded in front -> scores of all items for the click that comes next"""
        self.net.eval()
        hist = torch.as_tensor(hist).to(self.dev)
        lens = (hist > 0).sum(1)
        cols = torch.arange(hist.shape[1], device=self.dev) + (hist.shape[1] - lens).unsqueeze(1)
        x = hist.gather(1, cols.clamp(max=hist.shape[1] - 1))
        _, h = self.net.roll(x, lens.clamp(min=1).cpu(), self.net.first_state(len(x)), in_order=False)
        everything = torch.arange(self.n_items + 1, device=self.dev)
        return self.net.against(self.net.query(h[0]), everything)

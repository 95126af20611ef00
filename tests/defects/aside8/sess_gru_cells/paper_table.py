# python paper_table.py clicks.csv 40      -> the row of the table in the paper

# %%
import copy
import sys

import numpy as np
import torch
from gru import Run
from sessions import by_time, cut, encode, load_log, vocabulary

K = 20


# %% every click but the first is a question, all items are candidates
def recall_mrr(run, sess, k=K, at_once=256):
    prefix = [s[:t] for s in sess for t in range(1, len(s))]
    wanted = np.array([s[t] for s in sess for t in range(1, len(s))])
    hit, rr = [], []
    for lo in range(0, len(prefix), at_once):
        part = prefix[lo : lo + at_once]
        hist = np.zeros((len(part), max(map(len, part))), dtype=np.int64)
        for r, p in enumerate(part):
            hist[r, -len(p) :] = p
        sc = run.after(hist).cpu().numpy()
        sc[:, 0] = -np.inf
        mine = sc[np.arange(len(part)), wanted[lo : lo + at_once]]
        above = (sc > mine[:, None]).sum(1)
        level = (sc == mine[:, None]).sum(1) - 1
        rank = 1 + above + level / 2
        hit.append(rank <= k)
        rr.append(np.where(rank <= k, 1 / rank, 0.0))
    return np.concatenate(hit).mean(), np.concatenate(rr).mean()


# %%
def main(path, epochs):
    tr, va, te = by_time(*cut(*load_log(path)))
    vocab = vocabulary(tr)
    tr, va, te = encode(tr, vocab), encode(va, vocab), encode(te, vocab)
    print(len(tr), "/", len(va), "/", len(te), "sessions,", len(vocab), "items")
    torch.manual_seed(42)
    run = Run(tr, len(vocab), seed=42)
    top, keep = -1.0, None
    for ep in range(epochs):
        loss = run.one_epoch()
        rec, mrr = recall_mrr(run, va)
        print(f"{ep:3d}  {loss:.4f}  tune R@{K} {rec:.4f}  MRR@{K} {mrr:.4f}")
        if mrr > top:
            top, keep = mrr, copy.deepcopy(run.net.state_dict())
    run.net.load_state_dict(keep)
    rec, mrr = recall_mrr(run, te)
    print(f"test  R@{K} {rec:.4f}  MRR@{K} {mrr:.4f}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 30)

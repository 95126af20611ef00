# click log -> sessions -> windows.  Cells are marked with "# %%", run them one by one if you like.

# %%
import csv

import numpy as np

GAP = 30 * 24 * 3600  # silence after which a visitor starts over
TEST_SHARE = 0.1


# %% the log: user_id,item_id,timestamp
def load_log(path):
    who, what, when = [], [], []
    with open(path, newline="") as fh:
        for row in csv.DictReader(fh):
            who.append(row["user_id"])
            what.append(row["item_id"])
            when.append(int(row["timestamp"]))
    who, what, when = np.array(who), np.array(what), np.array(when, dtype=np.int64)
    o = np.lexsort((when, who))
    return who[o], what[o], when[o]


def cut(who, what, when, gap=GAP):
    """list of item arrays, and when each of them began and ended"""
    fresh = np.ones(len(who), dtype=bool)
    fresh[1:] = (who[1:] != who[:-1]) | (np.diff(when) > gap)
    a = np.flatnonzero(fresh)
    b = np.append(a[1:], len(who))
    return [what[i:j] for i, j in zip(a, b)], when[a], when[b - 1]


def by_time(sess, began, ended, share=TEST_SHARE):
    """old sessions to train on, then a stretch to tune on, the newest to report; who straddles a border is left out"""
    tune, last = np.quantile(began, [1 - 2 * share, 1 - share])
    tr = [s for s, e in zip(sess, ended) if e < tune]
    va = [s for s, b, e in zip(sess, began, ended) if b >= tune and e < last]
    te = [s for s, b in zip(sess, began) if b >= last]
    return tr, va, te


def vocabulary(sess):
    return {it: k for k, it in enumerate(sorted({it for s in sess for it in s}), start=1)}


def encode(sess, vocab):
    out = [np.array([vocab[it] for it in s if it in vocab], dtype=np.int64) for s in sess]
    return [s for s in out if len(s) > 1]


# %% truncated backprop: a batch of sessions goes through the net in windows of `width` clicks
def windows(seqs, batch, width, rng):
    """Yields x, y (alive, w), lens, whole, first.

    Longest session on top, so the ones still going in a later window are always the upper rows of the
    window before. `whole`: the complete sessions behind the rows. `first`: a new batch starts here.
    """
    order = rng.permutation(len(seqs))
    for lo in range(0, len(order), batch):
        rows = sorted((seqs[i] for i in order[lo : lo + batch]), key=len, reverse=True)
        clicks = len(rows[0]) - 1
        for t in range(0, clicks, width):
            alive = [r for r in rows if len(r) - 1 > t]
            lens = [min(len(r) - 1 - t, width) for r in alive]
            x = np.zeros((len(alive), lens[0]), dtype=np.int64)
            y = np.zeros_like(x)
            for k, (r, n) in enumerate(zip(alive, lens)):
                x[k, :n] = r[t : t + n]
                y[k, :n] = r[t + 1 : t + 1 + n]
            yield x, y, lens, alive, t == 0


# %% negatives, drawn in big blocks like the theano code does, P(i) ~ clicks(i) ** alpha
class Store:
    def __init__(self, counts, size, alpha, rng, block=64):
        p = np.asarray(counts, dtype=np.float64) ** alpha
        p[0] = 0.0
        self.cum = np.cumsum(p) / p.sum()
        self.size, self.block, self.rng = size, block, rng
        self.at = block

    def draw(self):
        if self.at == self.block:
            u = self.rng.random((self.block, self.size))
            self.ids = np.searchsorted(self.cum, u, side="right")
            self.at = 0
        self.at += 1
        return self.ids[self.at - 1]

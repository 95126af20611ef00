# LightGCN in one file, no classes needed (except the little handle at the bottom that our server wants)
#
#   python gcn.py ratings.tsv
#
# users are nodes 0..N_USERS-1, items are nodes N_USERS..N_USERS+N_ITEMS-1

import sys

import numpy as np
import torch
import torch.nn.functional as F

DIM = 32
LAYERS = 2
LR = 0.01
REG = 1e-3
BATCH = 512
TOPK = 10
DEVICE = "cpu"

# filled by setup()
N_USERS = N_ITEMS = 0
TRAIN_U = TRAIN_I = None     # interactions, 0-based
SEEN_KEYS = None             # sorted user * N_ITEMS + item
ADJ = None                   # normalised adjacency, torch.sparse_coo
USER_EMB = ITEM_EMB = None
OPT = None
RNG = None
CACHE = None                 # propagated embeddings for serving, dropped after every epoch


# ---------------------------------------------------------------- data

def read_tsv(path):
    """user \t item \t rating \t timestamp  ->  arrays in order of time, ids from 0"""
    users, items, times = [], [], []
    with open(path) as f:
        for line in f:
            u, i, _, t = line.split("\t")
            users.append(u)
            items.append(i)
            times.append(int(t))
    order = np.argsort(np.array(times), kind="stable")
    _, users = np.unique(users, return_inverse=True)
    _, items = np.unique(items, return_inverse=True)
    return users[order], items[order]


def split_last(users, items, n_last=1):
    """the last n events of each user are test (input is ordered by time)"""
    from_end = np.zeros(len(users), dtype=int)
    count = {}
    for pos in range(len(users) - 1, -1, -1):
        u = users[pos]
        from_end[pos] = count.get(u, 0)
        count[u] = from_end[pos] + 1
    test = from_end < n_last
    return (users[~test], items[~test]), (users[test], items[test])


def build_adj(users, items):
    """symmetric normalised bipartite adjacency D^-1/2 A D^-1/2"""
    n = N_USERS + N_ITEMS
    rows = np.concatenate([users, items + N_USERS])
    cols = np.concatenate([items + N_USERS, users])
    deg = np.bincount(rows, minlength=n).astype(np.float32)
    d_inv = np.where(deg > 0, np.maximum(deg, 1) ** -0.5, 0)
    vals = d_inv[rows] * d_inv[cols]
    adj = torch.sparse_coo_tensor(
        torch.from_numpy(np.stack([rows, cols])), torch.from_numpy(vals).float(), (n, n)
    )
    return adj.coalesce().to(DEVICE)


def setup(users, items, n_users, n_items, seed=0):
    global N_USERS, N_ITEMS, TRAIN_U, TRAIN_I, SEEN_KEYS, ADJ, USER_EMB, ITEM_EMB, OPT, RNG, CACHE
    torch.manual_seed(seed)
    RNG = np.random.default_rng(seed)
    N_USERS, N_ITEMS = n_users, n_items
    TRAIN_U, TRAIN_I = users, items
    SEEN_KEYS = np.unique(users * N_ITEMS + items)
    ADJ = build_adj(users, items)
    USER_EMB = torch.empty(N_USERS, DIM, device=DEVICE)
    ITEM_EMB = torch.empty(N_ITEMS, DIM, device=DEVICE)
    for w in (USER_EMB, ITEM_EMB):
        torch.nn.init.normal_(w, std=0.1)
        w.requires_grad_(True)
    OPT = torch.optim.Adam([USER_EMB, ITEM_EMB], lr=LR)
    CACHE = None


# ---------------------------------------------------------------- model

def propagate():
    x = torch.cat([USER_EMB, ITEM_EMB])
    out = x
    for _ in range(LAYERS):
        x = torch.sparse.mm(ADJ, x)
        out = out + x
    out = out / (LAYERS + 1)
    return out[:N_USERS], out[N_USERS:]


def sample_negatives(users):
    """one unseen item per row; redraw the collisions"""
    neg = RNG.integers(0, N_ITEMS, size=len(users))
    bad = np.isin(users * N_ITEMS + neg, SEEN_KEYS)
    while bad.any():
        neg[bad] = RNG.integers(0, N_ITEMS, size=bad.sum())
        bad = np.isin(users * N_ITEMS + neg, SEEN_KEYS)
    return neg


def bpr_loss(u, i, j):
    users, items = propagate()
    pos = (users[u] * items[i]).sum(1)
    neg = (users[u] * items[j]).sum(1)
    rank = F.softplus(neg - pos).mean()
    ego = USER_EMB[u].pow(2).sum() + ITEM_EMB[i].pow(2).sum() + ITEM_EMB[j].pow(2).sum()
    return rank + REG * ego / (2 * len(u))


def train_epoch():
    global CACHE
    perm = RNG.permutation(len(TRAIN_U))
    total = 0.0
    for s in range(0, len(perm), BATCH):
        rows = perm[s:s + BATCH]
        u, i = TRAIN_U[rows], TRAIN_I[rows]
        j = sample_negatives(u)
        u, i, j = (torch.as_tensor(a, device=DEVICE) for a in (u, i, j))
        loss = bpr_loss(u, i, j)
        OPT.zero_grad()
        loss.backward()
        OPT.step()
        total += loss.detach() * len(rows)
    CACHE = None
    return float(total / len(perm))


@torch.no_grad()
def scores_for(users):
    """(B, N_ITEMS), users 0-based"""
    global CACHE
    if CACHE is None:
        CACHE = propagate()
    user_out, item_out = CACHE
    return user_out[users] @ item_out.T


# ---------------------------------------------------------------- evaluation

def evaluate(test_u, test_i, k=TOPK, chunk=1024):
    """recall@k and ndcg@k, all items ranked, averaged over the users who have test items"""
    wanted = {}
    for u, i in zip(test_u.tolist(), test_i.tolist()):
        wanted.setdefault(u, set()).add(i)
    users = np.array(sorted(wanted))
    discount = 1 / np.log2(np.arange(k) + 2)
    recall = ndcg = 0.0
    for s in range(0, len(users), chunk):
        part = users[s:s + chunk]
        scores = scores_for(torch.as_tensor(part, device=DEVICE)).cpu()
        seen = np.isin(TRAIN_U, part)
        scores[np.searchsorted(part, TRAIN_U[seen]), TRAIN_I[seen]] = -np.inf
        top = scores.topk(k).indices.numpy()
        for u, row in zip(part, top):
            hits = np.array([i in wanted[u] for i in row])
            best = min(len(wanted[u]), k)
            recall += hits.sum() / best
            ndcg += (hits * discount).sum() / discount[:best].sum()
    return recall / len(users), ndcg / len(users)


def main(path, epochs=60, every=5):
    users, items = read_tsv(path)
    (tr_u, tr_i), (te_u, te_i) = split_last(users, items)
    (tr_u, tr_i), (va_u, va_i) = split_last(tr_u, tr_i)
    setup(tr_u, tr_i, users.max() + 1, items.max() + 1)
    best, kept = -1.0, None
    for epoch in range(1, epochs + 1):
        loss = train_epoch()
        if epoch % every == 0:
            recall, ndcg = evaluate(va_u, va_i)
            print(f"{epoch:3d}  loss {loss:.4f}  recall@{TOPK} {recall:.4f}  ndcg@{TOPK} {ndcg:.4f}")
            if ndcg > best:
                best, kept = ndcg, get_state()
    set_state(kept)
    recall, ndcg = evaluate(te_u, te_i)
    print(f"test  recall@{TOPK} {recall:.4f}  ndcg@{TOPK} {ndcg:.4f}")


def get_state():
    return {"user": USER_EMB.detach().clone(), "item": ITEM_EMB.detach().clone()}


@torch.no_grad()
def set_state(state):
    global CACHE
    USER_EMB.copy_(state["user"])
    ITEM_EMB.copy_(state["item"])
    CACHE = None


# ---------------------------------------------------------------- server

class Handle:
    """what the recommendation server talks to; its ids start at 1"""

    def fit(self):
        while True:
            yield {"bpr": train_epoch()}

    def score(self, users, histories):
        s = scores_for(torch.as_tensor(users, device=DEVICE) - 1)
        return F.pad(s, (1, 0)).cpu().numpy()

    def item_embeddings(self):
        with torch.no_grad():
            return F.pad(propagate()[1], (0, 0, 1, 0)).cpu().numpy()

    def state_dict(self):
        return get_state()

    def load_state_dict(self, state):
        set_state(state)


def build(data, *, device, seed):
    global DEVICE
    DEVICE = device
    setup(np.asarray(data.users) - 1, np.asarray(data.items) - 1, data.n_users, data.n_items, seed)
    return Handle()


if __name__ == "__main__":
    main(sys.argv[1])

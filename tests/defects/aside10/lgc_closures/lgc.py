"""Light graph convolution without classes: a model is a dict of closures.

nodes: user u -> u - 1, item i -> nu + i - 1 (u, i count from 1, as in the log)
"""
import numpy as np
import torch
import torch.nn.functional as F


# ------------------------------------------------------------------ graph

def norm_adj(us, its, nu, ni):
    """D^-1/2 A D^-1/2 of the bipartite graph, sparse (nu + ni, nu + ni)"""
    r = torch.as_tensor(us, dtype=torch.long) - 1
    c = torch.as_tensor(its, dtype=torch.long) - 1 + nu
    ix = torch.stack([torch.cat([r, c]), torch.cat([c, r])])
    n = nu + ni
    deg = torch.zeros(n).index_add_(0, ix[0], torch.ones(ix.shape[1]))
    dis = deg.clamp(min=1).rsqrt()
    return torch.sparse_coo_tensor(ix, dis[ix[0]] * dis[ix[1]], (n, n)).coalesce()


# ------------------------------------------------------------------ sampling

def bpr_sampler(us, its, nu, ni, rng):
    """-> epoch(bs): generator of (u, i, j); each edge once an epoch, in random order, j not among u's items"""
    us, its = np.asarray(us), np.asarray(its)
    has = np.zeros((nu + 1, ni + 1), dtype=bool)
    has[us, its] = True

    def draw(size):
        return rng.integers(1, ni + 1, size=size)

    def negatives(u):
        j = draw(len(u))
        for _ in range(100):
            bad = has[u, j]
            if not bad.any():
                break
            j[bad] = draw(bad.sum())
        return j

    def epoch(bs):
        perm = rng.permutation(len(us))
        for k in range(0, len(perm), bs):
            u, i = us[perm[k:k + bs]], its[perm[k:k + bs]]
            yield u, i, negatives(u)

    return epoch


# ------------------------------------------------------------------ model

def make_model(adj, nu, ni, d=32, n_layers=2, reg=1e-4, lr=5e-3, dev='cpu', init=0.1):
    adj = adj.to(dev)
    emb = torch.empty(nu + ni, d, device=dev).normal_(std=init).requires_grad_()
    opt = torch.optim.Adam([emb], lr=lr)

    def propagate():
        """mean of the layers 0 .. n_layers, split into users (nu, d) and items (ni, d)"""
        e, layers = emb, [emb]
        for _ in range(n_layers):
            e = torch.sparse.mm(adj, e)
            layers.append(e)
        return torch.stack(layers).mean(0).split([nu, ni])

    def bpr(u, i, j):
        zu, zi = propagate()
        u, i, j = (torch.as_tensor(x, device=dev) - 1 for x in (u, i, j))
        pos = (zu[u] * zi[i]).sum(1)
        neg = (zu[u] * zi[j]).sum(1)
        rank = -F.logsigmoid(pos - neg).mean()
        ego = emb[u].pow(2).sum() + emb[nu + i].pow(2).sum() + emb[nu + j].pow(2).sum()
        return rank + reg * ego / len(u)

    def step(u, i, j):
        loss = bpr(u, i, j)
        opt.zero_grad()
        loss.backward()
        opt.step()
        return loss.detach()

    @torch.no_grad()
    def scores(u):
        """users (B,) from 1 -> (B, ni + 1), column 0 is no item"""
        zu, zi = propagate()
        s = zu[torch.as_tensor(u, device=dev) - 1] @ zi.T
        return F.pad(s, (1, 0), value=-1e9).cpu().numpy()

    def get():
        return {'emb': emb.detach().clone()}

    def put(state):
        with torch.no_grad():
            emb.copy_(state['emb'])

    return {'step': step, 'scores': scores, 'get': get, 'put': put}


# ------------------------------------------------------------------ metrics

def at_k(top, truth):
    """top (k,), truth a set -> recall, ndcg"""
    gain = np.array([i in truth for i in top], dtype=float)
    disc = 1 / np.log2(np.arange(2, len(top) + 2))
    ideal = disc[:min(len(truth), len(top))].sum()
    return gain.sum() / len(truth), (gain * disc).sum() / ideal


def test_users(scores, seen, truth, k=20, bs=512):
    """mean recall and ndcg at k over users with something to find; seen, truth: {u: set}"""
    users = np.array([u for u, t in truth.items() if t])
    out = []
    for b in range(0, len(users), bs):
        part = users[b:b + bs]
        s = scores(part)
        for row, u in enumerate(part):
            s[row, list(seen.get(u, ()))] = -np.inf
        top = np.argpartition(-s, k, axis=1)[:, :k]
        order = np.argsort(-np.take_along_axis(s, top, 1), axis=1)
        top = np.take_along_axis(top, order, 1)
        out += [at_k(t, truth[u]) for t, u in zip(top, part)]
    return np.mean(out, axis=0)

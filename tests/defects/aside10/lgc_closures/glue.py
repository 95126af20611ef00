import types

import numpy as np
import torch

from lgc import bpr_sampler, make_model, norm_adj
from run import HP


def build(data, *, device, seed):
    torch.manual_seed(seed)
    us, its = np.asarray(data.users), np.asarray(data.items)
    nu, ni = data.n_users, data.n_items
    adj = norm_adj(us, its, nu, ni)
    m = make_model(adj, nu, ni, HP['d'], HP['n_layers'], HP['reg'], HP['lr'], dev=device)
    epoch = bpr_sampler(us, its, nu, ni, np.random.default_rng(seed))

    def fit():
        for _ in range(HP['epochs']):
            losses = torch.stack([m['step'](*uij) for uij in epoch(HP['bs'])])
            yield {'loss': losses.mean().item()}

    def score(users, histories):
        return m['scores'](np.asarray(users))

    return types.SimpleNamespace(fit=fit, score=score, state_dict=m['get'], load_state_dict=m['put'])

from functools import partial
from types import SimpleNamespace

import numpy as np
import torch
from mixer import encode, init_params, logits_of_all
from report import probe_figures
from sampled import draw, proposal, sampled_softmax
from windows import WindowDataset, epoch_batches, leave_newest_out, prefetch, user_sequences

WIDTH = 24
DIM = 48
DEPTH = 2
GROUPS = 8
EXPAND = 2
DROPOUT = 0.2
BATCH = 32
NEGATIVES = 64
POWER = 0.75
RATE = 4e-3
DECAY = 1e-2
HALF_LIFE = 12  # epochs
CLIP = 1.0


def decayed(name):
    """Matrices decay; tables, gains and biases do not."""
    return name.endswith((".up", ".down"))


def make_optimizer(params):
    groups = [
        {"params": [p for name, p in params.items() if decayed(name)], "weight_decay": DECAY},
        {"params": [p for name, p in params.items() if not decayed(name)], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=RATE)


def set_rate(optimizer, epoch):
    for group in optimizer.param_groups:
        group["lr"] = RATE * 0.5 ** (epoch / HALF_LIFE)


def train_epoch(params, optimizer, batches, q, generator, device):
    total, count = 0.0, 0
    log_q = torch.log(q.clamp(min=1e-9)).to(device)
    for ids, targets in batches:
        ids, targets = ids.to(device, non_blocking=True), targets.to(device, non_blocking=True)
        negatives = draw(q, (len(ids), 1, NEGATIVES), generator).to(device)
        states = encode(params, ids, depth=DEPTH, dropout=DROPOUT, training=True)
        loss = sampled_softmax(params, states, targets, negatives, log_q)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(list(params.values()), CLIP)
        optimizer.step()
        weight = (targets > 0).sum()
        total = total + loss.detach() * weight
        count = count + weight
    return float(total / count)


@torch.no_grad()
def score_newest(params, ids):
    states = encode(params, ids, depth=DEPTH)
    return logits_of_all(params, states[:, -1])


def build(data, *, device, seed):
    device = torch.device(device)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    generator = torch.Generator().manual_seed(seed)
    train, probe = leave_newest_out(user_sequences(data), stride=6)
    dataset = WindowDataset(train, WIDTH)
    q = proposal(train, data.n_items, POWER)
    params = init_params(data.n_items, WIDTH, DIM, DEPTH, GROUPS, EXPAND, generator)
    params = {name: value.to(device).requires_grad_() for name, value in params.items()}
    optimizer = make_optimizer(params)
    score_all = partial(score_newest, params)

    def fit():
        epoch = 0
        while True:
            set_rate(optimizer, epoch)
            batches = prefetch(epoch_batches(dataset, BATCH, rng))
            loss = train_epoch(params, optimizer, batches, q, generator, device)
            epoch += 1
            yield {"epoch": epoch, "loss": loss, **probe_figures(lambda ids: score_all(ids.to(device)).cpu(), probe, WIDTH, 10)}

    def score(users, histories):
        ids = torch.as_tensor(histories, device=device)[:, -WIDTH:]
        return score_all(ids).cpu().numpy()

    def item_embeddings():
        return params["item"].detach().cpu().numpy()

    def state_dict():
        return {name: value.detach().clone() for name, value in params.items()}

    def load_state_dict(state):
        with torch.no_grad():
            for name, value in params.items():
                value.copy_(state[name])

    return SimpleNamespace(
        fit=fit,
        score=score,
        item_embeddings=item_embeddings,
        state_dict=state_dict,
        load_state_dict=load_state_dict,
    )

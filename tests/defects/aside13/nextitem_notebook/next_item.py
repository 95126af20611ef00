"""Next item with a small transformer: read the log, split it by time, train, evaluate.   python next_item.py events.csv"""
import copy
import math
import random
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


class CFG:
    max_len = 50
    dim = 48
    n_heads = 2
    n_layers = 2
    dropout = 0.2
    batch_size = 32
    lr = 3e-3
    weight_decay = 0.01
    warmup_steps = 20
    epochs = 24
    n_candidates = 100
    seed = 42
    device = "cuda" if torch.cuda.is_available() else "cpu"


def seed_everything(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


# ---- data ----

def read_log(path):
    """user_id,item_id,timestamp per line, with a header"""
    table = np.loadtxt(path, delimiter=",", skiprows=1, dtype=np.int64)
    return table[:, 0], table[:, 1], table[:, 2]


def encode(values):
    """Values -> 1, 2, ...; 0 is the padding"""
    return {int(value): i + 1 for i, value in enumerate(np.unique(values))}


def group_by_user(users, items, times):
    """user -> item tokens, oldest first"""
    order = np.lexsort((times, users))
    groups = {}
    for user, item in zip(users[order], items[order]):
        groups.setdefault(int(user), []).append(int(item))
    return groups


def time_split(users, items, times, valid_from=0.8, test_from=0.9):
    """Histories before the validation period, and what each user takes first in that period and in the test period"""
    first, second = np.quantile(times, [valid_from, test_from])
    train = group_by_user(*(x[times < first] for x in (users, items, times)))
    valid = group_by_user(*(x[(times >= first) & (times < second)] for x in (users, items, times)))
    test = group_by_user(*(x[times >= second] for x in (users, items, times)))
    valid_rows = [(train[user], taken[0]) for user, taken in valid.items() if user in train]
    known = {user: train.get(user, []) + valid.get(user, []) for user in train.keys() | valid.keys()}
    test_rows = [(known[user], taken[0]) for user, taken in test.items() if user in known]
    return train, valid_rows, test_rows


def pad_left(items, max_len):
    items = items[-max_len:]
    return [0] * (max_len - len(items)) + items


class TrainDataset(Dataset):
    def __init__(self, histories, max_len):
        self.rows = [items for items in histories.values() if len(items) > 1]
        self.max_len = max_len

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, idx):
        items = self.rows[idx]
        seq = pad_left(items[:-1], self.max_len)
        target = pad_left(items[1:], self.max_len)
        return {"seq": torch.tensor(seq), "target": torch.tensor(target)}


class EvalDataset(Dataset):
    """One target a row, among candidates that were drawn once and are new to the user"""

    def __init__(self, rows, n_items, cfg):
        rng = np.random.default_rng(cfg.seed)
        self.max_len = cfg.max_len
        self.rows = []
        for history, target in rows:
            if target not in history:
                unknown = np.setdiff1d(np.arange(1, n_items + 1), history + [target])
                self.rows.append((history, target, rng.choice(unknown, cfg.n_candidates, replace=False)))

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, idx):
        history, target, negatives = self.rows[idx]
        return {
            "seq": torch.tensor(pad_left(history, self.max_len)),
            "target": torch.tensor(target),
            "negatives": torch.from_numpy(negatives),
        }


def collate_fn(batch):
    return {key: torch.stack([row[key] for row in batch]) for key in batch[0]}


def make_loader(dataset, cfg, train):
    return DataLoader(dataset, batch_size=cfg.batch_size, shuffle=train, collate_fn=collate_fn)


# ---- model ----

class SelfAttention(nn.Module):
    def __init__(self, dim, n_heads):
        super().__init__()
        self.n_heads = n_heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x, mask):
        """x (B, L, d); mask (B, 1, L, L), True where a query may look"""
        B, L, D = x.shape
        q, k, v = self.qkv(x).view(B, L, 3, self.n_heads, D // self.n_heads).permute(2, 0, 3, 1, 4)
        att = q @ k.transpose(-2, -1) / math.sqrt(D // self.n_heads)
        att = att.masked_fill(~mask, -1e9).softmax(dim=-1)
        return self.proj((att @ v).transpose(1, 2).reshape(B, L, D))


class Block(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.norm1 = nn.LayerNorm(cfg.dim)
        self.attn = SelfAttention(cfg.dim, cfg.n_heads)
        self.norm2 = nn.LayerNorm(cfg.dim)
        self.ffn = nn.Sequential(nn.Linear(cfg.dim, 2 * cfg.dim), nn.GELU(), nn.Linear(2 * cfg.dim, cfg.dim))
        self.drop = nn.Dropout(cfg.dropout)

    def forward(self, x, mask):
        x = x + self.drop(self.attn(self.norm1(x), mask))
        x = x + self.drop(self.ffn(self.norm2(x)))
        return x


class NextItemModel(nn.Module):
    def __init__(self, n_items, cfg):
        super().__init__()
        self.item_emb = nn.Embedding(n_items + 1, cfg.dim, padding_idx=0)
        self.pos_emb = nn.Embedding(cfg.max_len, cfg.dim)
        self.drop = nn.Dropout(cfg.dropout)
        self.blocks = nn.ModuleList([Block(cfg) for _ in range(cfg.n_layers)])
        self.norm = nn.LayerNorm(cfg.dim)
        nn.init.normal_(self.item_emb.weight[1:], std=0.05)
        nn.init.normal_(self.pos_emb.weight, std=0.05)

    def encode(self, seq):
        """(B, L) -> (B, L, d)"""
        L = seq.size(1)
        x = self.item_emb(seq) + self.pos_emb(torch.arange(L, device=seq.device))
        x = self.drop(x)
        causal = torch.ones(L, L, dtype=torch.bool, device=seq.device).tril()
        mask = causal & (seq > 0)[:, None, None, :]
        for block in self.blocks:
            x = block(x, mask)
        return self.norm(x)

    def forward(self, seq):
        """Logits of all items at each place: (B, L, n_items + 1)"""
        return self.encode(seq) @ self.item_emb.weight.T


# ---- training ----

def criterion(logits, target):
    return F.cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=0)


def make_optimizer(model, cfg, total_steps):
    optimizer = torch.optim.AdamW(model.parameters(), lr=cfg.lr, weight_decay=cfg.weight_decay)

    def lr_lambda(step):
        if step < cfg.warmup_steps:
            return (step + 1) / cfg.warmup_steps
        progress = (step - cfg.warmup_steps) / max(1, total_steps - cfg.warmup_steps)
        return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))

    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, lr_lambda)


def train_one_epoch(model, loader, optimizer, scheduler, device):
    model.train()
    total = torch.zeros((), device=device)
    for batch in loader:
        seq, target = batch["seq"].to(device), batch["target"].to(device)
        loss = criterion(model(seq), target)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        scheduler.step()
        total += loss.detach()
    return (total / len(loader)).item()


@torch.no_grad()
def evaluate(model, loader, device, k=10):
    """HR@k, NDCG@k and MRR of the targets among their candidates"""
    model.eval()
    ranks = []
    for batch in loader:
        seq, target, negatives = (batch[key].to(device) for key in ("seq", "target", "negatives"))
        scores = model(seq)[:, -1]
        target_score = scores.gather(1, target.unsqueeze(1))
        ranks.append(1 + (scores.gather(1, negatives) >= target_score).sum(dim=1))
    ranks = torch.cat(ranks).float()
    hit = (ranks <= k).float()
    return {
        "hr": hit.mean().item(),
        "ndcg": (hit / torch.log2(ranks + 1)).mean().item(),
        "mrr": (1 / ranks).mean().item(),
    }


def main(path, cfg=CFG):
    seed_everything(cfg.seed)
    users, items, times = read_log(path)
    vocab = encode(items)
    tokens = np.array([vocab[int(item)] for item in items])
    train, valid_rows, test_rows = time_split(users, tokens, times)

    train_loader = make_loader(TrainDataset(train, cfg.max_len), cfg, train=True)
    valid_loader = make_loader(EvalDataset(valid_rows, len(vocab), cfg), cfg, train=False)
    test_loader = make_loader(EvalDataset(test_rows, len(vocab), cfg), cfg, train=False)
    model = NextItemModel(len(vocab), cfg).to(cfg.device)
    optimizer, scheduler = make_optimizer(model, cfg, cfg.epochs * len(train_loader))

    best, best_state = 0.0, None
    for epoch in range(cfg.epochs):
        loss = train_one_epoch(model, train_loader, optimizer, scheduler, cfg.device)
        metrics = evaluate(model, valid_loader, cfg.device)
        print(f"epoch {epoch + 1}: loss {loss:.4f} " + " ".join(f"{k} {v:.4f}" for k, v in metrics.items()))
        if metrics["ndcg"] > best:
            best, best_state = metrics["ndcg"], copy.deepcopy(model.state_dict())
    model.load_state_dict(best_state)
    print("test", evaluate(model, test_loader, cfg.device))


if __name__ == "__main__":
    main(sys.argv[1])

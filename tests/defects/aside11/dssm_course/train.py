"""python train.py ratings.csv items.csv"""
import argparse
import copy

import numpy as np
import torch
from torch.utils.data import DataLoader

from data import InteractionDataset, by_time, collate_fn, load, log_frequency, pad, sequences, time_split
from model import TwoTower

parser = argparse.ArgumentParser()
parser.add_argument("ratings", nargs="?")
parser.add_argument("categories", nargs="?")
parser.add_argument("--k", type=int, default=10, help="items of the history")
parser.add_argument("--dim", type=int, default=32)
parser.add_argument("--dropout", type=float, default=0.2)
parser.add_argument("--temperature", type=float, default=0.15)
parser.add_argument("--batch_size", type=int, default=64)
parser.add_argument("--lr", type=float, default=3e-3)
parser.add_argument("--epochs", type=int, default=12)
parser.add_argument("--patience", type=int, default=4)
parser.add_argument("--seed", type=int, default=2023)
parser.add_argument("--save", default="dssm.pt")


class Trainer:
    def __init__(self, seqs, n_users, item_cat, args, device="cpu"):
        torch.manual_seed(args.seed)
        self.args, self.device = args, device
        log_q = log_frequency(seqs, len(item_cat) - 1)
        self.model = TwoTower(n_users, item_cat, log_q, args.dim, args.dropout, args.temperature).to(device)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=args.lr)
        self.loader = DataLoader(
            InteractionDataset(seqs, args.k),
            batch_size=args.batch_size,
            shuffle=True,
            collate_fn=collate_fn,
            generator=torch.Generator().manual_seed(args.seed),
        )

    def train_epoch(self):
        self.model.train()
        losses = []
        for batch in self.loader:
            users, history, targets = (x.to(self.device) for x in batch)
            loss = self.model.loss(users, history, targets)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            losses.append(loss.detach())
        return torch.stack(losses).mean().item()

    @torch.no_grad()
    def scores(self, users, histories):
        """(B, n_items + 1)"""
        self.model.eval()
        users = torch.tensor(users, device=self.device)
        history = pad([h[-self.args.k:] for h in histories]).to(self.device)
        return self.model.user_tower(users, history) @ self.model.all_items().T


def evaluate(trainer, seen, held_out, k=10, block=128):
    """Recall and NDCG at k of the items that are new to a user"""
    wanted = {u: set(items) - set(seen[u]) for u, items in held_out.items() if u in seen}
    users = [u for u, items in wanted.items() if items]
    recall, ndcg = [], []
    discount = 1 / np.log2(np.arange(2, k + 2))
    for start in range(0, len(users), block):
        part = users[start:start + block]
        scores = trainer.scores(part, [seen[u] for u in part])
        scores[:, 0] = float("-inf")
        for row, user in enumerate(part):
            scores[row, seen[user]] = float("-inf")
        top = scores.topk(k).indices.cpu().numpy()
        for user, items in zip(part, top):
            hits = np.isin(items, list(wanted[user]))
            n = min(k, len(wanted[user]))
            recall.append(hits.sum() / n)
            ndcg.append((hits * discount).sum() / discount[:n].sum())
    return float(np.mean(recall)), float(np.mean(ndcg))


def main():
    args = parser.parse_args()
    events, user_le, item_le, item_cat = load(args.ratings, args.categories)
    train, valid, test = time_split(by_time(events))
    seqs = sequences(train)
    trainer = Trainer(seqs, len(user_le), item_cat, args)
    best, best_state, waited = 0.0, None, 0
    for epoch in range(args.epochs):
        loss = trainer.train_epoch()
        recall, ndcg = evaluate(trainer, seqs, sequences(valid))
        print(f"epoch {epoch}: loss {loss:.4f}, recall@10 {recall:.4f}, ndcg@10 {ndcg:.4f}")
        if recall > best:
            best, best_state, waited = recall, copy.deepcopy(trainer.model.state_dict()), 0
        else:
            waited += 1
            if waited >= args.patience:
                break
    trainer.model.load_state_dict(best_state)
    torch.save(best_state, args.save)
    before = sequences(np.concatenate([train, valid]))
    print("test: recall@10 %.4f, ndcg@10 %.4f" % evaluate(trainer, before, sequences(test)))


if __name__ == "__main__":
    main()

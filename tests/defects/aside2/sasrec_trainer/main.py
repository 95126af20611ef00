"""python main.py LOG --lr 0.002 ...  (LOG: user item time, one event a line); `build` is what the platform calls."""

import sys
from types import SimpleNamespace

import numpy as np
import torch
from arguments import Arguments, parse
from datasets import SequenceDataset, category_ids, user_sequences
from models import SASRecModel
from trainers import Trainer
from utils import EarlyStopping, pick_device, set_seed, unwrap


def make_trainer(args, sequences, n_items, categories, device):
    model = SASRecModel(args, n_items, *categories)
    return Trainer(model, SequenceDataset(args, sequences, n_items), args, device)


class Recommender:
    def __init__(self, data, device, seed):
        self.args = Arguments(seed=seed)
        set_seed(self.args.seed)
        categories = category_ids(data.item_columns, data.n_items)
        device = pick_device(device, self.args.gpu_ids)
        self.trainer = make_trainer(self.args, user_sequences(data), data.n_items, categories, device)

    def fit(self):
        epoch = 0
        while True:
            loss = self.trainer.train_epoch()
            epoch += 1
            yield {"rec_loss": loss, "epoch": float(epoch)}

    def score(self, users, histories):
        recent = np.asarray(histories)[:, -self.args.max_seq_length :]
        return self.trainer.full_sort(torch.as_tensor(recent))

    def item_embeddings(self):
        with torch.no_grad():
            return unwrap(self.trainer.model).items.table()

    def state_dict(self):
        return unwrap(self.trainer.model).state_dict()

    def load_state_dict(self, state):
        unwrap(self.trainer.model).load_state_dict(state)


def build(data, *, device, seed):
    return Recommender(data, device, seed)


def read_log(path):
    rows = np.loadtxt(path, dtype=np.int64)
    rows = rows[np.lexsort((rows[:, 2], rows[:, 0]))]
    starts = np.flatnonzero(np.diff(rows[:, 0])) + 1
    return [[int(i) for i in part] for part in np.split(rows[:, 1], starts)], int(rows[:, 1].max())


def run(path, args, epochs=200):
    set_seed(args.seed)
    sequences, n_items = read_log(path)
    sequences = [s for s in sequences if len(s) >= 5]
    no_category = SimpleNamespace(categories=[()] * (n_items + 1))
    device = pick_device("cuda" if torch.cuda.is_available() else "cpu", args.gpu_ids)
    categories = category_ids(no_category, n_items)
    trainer = make_trainer(args, [s[:-2] for s in sequences], n_items, categories, device)
    valid = SequenceDataset(args, [s[:-2] for s in sequences], n_items, [s[-2] for s in sequences])
    test = SequenceDataset(args, [s[:-1] for s in sequences], n_items, [s[-1] for s in sequences])
    stopper = EarlyStopping()
    for epoch in range(epochs):
        loss = trainer.train_epoch()
        recall, ndcg = trainer.test(valid)
        print(f"epoch {epoch} loss {loss:.4f} valid recall@10 {recall:.4f} ndcg@10 {ndcg:.4f}")
        stopper(ndcg, trainer.model)
        if stopper.stop:
            break
    unwrap(trainer.model).load_state_dict(stopper.state)
    print("test recall@10 %.4f ndcg@10 %.4f" % trainer.test(test))


if __name__ == "__main__":
    run(sys.argv[1], parse(sys.argv[2:]))

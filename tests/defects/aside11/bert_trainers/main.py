"""python main.py --data_path ratings.csv   (user,item,rating,time per line)"""
import csv

import numpy as np
import torch

from dataloaders import BertDataloader, pad
from model import BERTModel
from options import get_args
from trainers import BERTTrainer


def load_sequences(path, min_length):
    with open(path) as f:
        rows = [(user, item, int(time)) for user, item, _, time in csv.reader(f)]
    rows.sort(key=lambda row: row[2])
    umap, smap, u2seq = {}, {}, {}
    for user, item, _ in rows:
        user = umap.setdefault(user, len(umap) + 1)
        u2seq.setdefault(user, []).append(smap.setdefault(item, len(smap) + 1))
    return {user: seq for user, seq in u2seq.items() if len(seq) >= min_length}, len(smap)


def leave_one_out(u2seq):
    train = {user: seq[:-2] for user, seq in u2seq.items()}
    val = {user: seq[-2:-1] for user, seq in u2seq.items()}
    test = {user: seq[-1:] for user, seq in u2seq.items()}
    return train, val, test


def main():
    args = get_args()
    torch.manual_seed(args.dataloader_random_seed)
    u2seq, item_count = load_sequences(args.data_path, args.min_length)
    dataloader = BertDataloader(args, *leave_one_out(u2seq), item_count)
    trainer = BERTTrainer(args, BERTModel(args, item_count), *dataloader.get_pytorch_dataloaders())
    trainer.train()
    trainer.test()


class Recommender:
    """Trains on all it is given and answers for histories"""

    def __init__(self, data, device, seed):
        torch.manual_seed(seed)
        self.args = get_args([], dataloader_random_seed=seed)
        train = {}
        for user in range(1, data.n_users + 1):
            seq = np.asarray(data.items[data.offsets[user]:data.offsets[user + 1]]).tolist()
            if seq:
                train[user] = seq
        self.dataloader = BertDataloader(self.args, train, {}, {}, data.n_items)
        self.trainer = BERTTrainer(
            self.args, BERTModel(self.args, data.n_items), self.dataloader.get_train_loader(), device=device
        )
        self.device = device

    def fit(self):
        for _ in range(self.args.num_epochs):
            yield {"loss": self.trainer.train_one_epoch()}

    @torch.no_grad()
    def score(self, users, histories):
        model = self.trainer.model
        model.eval()
        mask = [self.dataloader.mask_token]
        tokens = [pad([i for i in h if i > 0] + mask, self.args.bert_max_len) for h in np.asarray(histories).tolist()]
        return model(torch.tensor(tokens, device=self.device))[:, -1, :].cpu().numpy()

    def state_dict(self):
        return self.trainer.model.state_dict()

    def load_state_dict(self, state):
        self.trainer.model.load_state_dict(state)


def build(data, *, device, seed):
    return Recommender(data, device, seed)


if __name__ == "__main__":
    main()

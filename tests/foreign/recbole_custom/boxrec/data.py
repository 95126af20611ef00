import os

import numpy as np
import torch

from boxrec.interaction import Interaction


class SequentialDataset(object):
    """Atomic files as tensors; tokens are numbered from 1, as 0 is [PAD]."""

    def __init__(self, config):
        self.config = config
        self.dataset_name = config["dataset"]
        self.uid_field = config["USER_ID_FIELD"]
        self.iid_field = config["ITEM_ID_FIELD"]
        self.time_field = config["TIME_FIELD"]
        self.item_list_field = self.iid_field + config["LIST_SUFFIX"]
        self.field2token_id = {}
        self.field2id_token = {}
        self.benchmark = config["benchmark_filename"]
        if self.benchmark is None:
            self.inter_feat = self._load("inter")
        else:
            self.parts = [self._load("inter", name) for name in self.benchmark]
        self.user_feat = self._load("user")

    def _path(self, kind, part=None):
        middle = "" if part is None else "." + part
        return os.path.join(
            self.config["data_path"], self.dataset_name, f"{self.dataset_name}{middle}.{kind}"
        )

    def _load(self, kind, part=None):
        separator = self.config["field_separator"]
        wanted = self.config["load_col"][kind]
        with open(self._path(kind, part), encoding="utf-8") as f:
            head = [column.split(":") for column in f.readline().rstrip("\n").split(separator)]
            rows = [line.rstrip("\n").split(separator) for line in f]
        feat = {}
        for at, (field, ftype) in enumerate(head):
            if field in wanted:
                values = [row[at] for row in rows]
                feat[field] = self._remap(field, ftype, values)
        return feat

    def _remap(self, field, ftype, values):
        if ftype == "float":
            return np.array(values, dtype=np.float64)
        if ftype == "token":
            return np.array([self.token2id(field, value) for value in values], dtype=np.int64)
        if ftype == "token_seq":
            target = field[: -len(self.config["LIST_SUFFIX"])] if field == self.item_list_field else field
            split = self.config["seq_separator"]
            return [[self.token2id(target, t) for t in value.split(split) if t] for value in values]
        raise NotImplementedError(f"type {ftype} of field {field}")

    def token2id(self, field, token):
        known = self.field2token_id.setdefault(field, {"[PAD]": 0})
        names = self.field2id_token.setdefault(field, ["[PAD]"])
        if token not in known:
            known[token] = len(names)
            names.append(token)
        return known[token]

    def num(self, field):
        return len(self.field2id_token[field])

    def get_user_feature(self, field):
        """(n_users,) ids of a token field, 0 for who has none"""
        values = np.zeros(self.num(self.uid_field), dtype=np.int64)
        values[self.user_feat[self.uid_field]] = self.user_feat[field]
        return torch.from_numpy(values)

    def build(self):
        """training, validation, test: lists of (user, sequence, target)"""
        if self.benchmark is not None:
            return [
                list(zip(p[self.uid_field], p[self.item_list_field], p[self.iid_field])) for p in self.parts
            ]
        order = np.argsort(self.inter_feat[self.time_field], kind="stable")
        history = {}
        for u, i in zip(self.inter_feat[self.uid_field][order], self.inter_feat[self.iid_field][order]):
            history.setdefault(int(u), []).append(int(i))
        train, valid, test = [], [], []
        for user, items in history.items():
            # every prefix is a sample; the last two targets are left out
            for end in range(1, len(items)):
                part = train if end < len(items) - 2 else valid if end == len(items) - 2 else test
                part.append((user, items[:end], items[end]))
        return train, valid, test

    def __str__(self):
        return (
            f"{self.dataset_name}: {self.num(self.uid_field) - 1} users, {self.num(self.iid_field) - 1} items"
        )


class SequentialDataLoader(object):
    """Batches of interactions; sequences begin at the left, zeros stand behind."""

    def __init__(self, config, dataset, samples, batch_size, shuffle):
        self.config = config
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffle = shuffle
        length = config["MAX_ITEM_LIST_LENGTH"]
        seqs = np.zeros((len(samples), length), dtype=np.int64)
        lens = np.zeros(len(samples), dtype=np.int64)
        for row, (_, seq, _) in enumerate(samples):
            seq = seq[-length:]
            seqs[row, : len(seq)] = seq
            lens[row] = len(seq)
        self.interaction = Interaction(
            {
                dataset.uid_field: np.array([user for user, _, _ in samples]),
                dataset.item_list_field: seqs,
                "item_length": lens,
                dataset.iid_field: np.array([target for _, _, target in samples]),
            }
        )

    def __len__(self):
        return (len(self.interaction) + self.batch_size - 1) // self.batch_size

    def __iter__(self):
        n = len(self.interaction)
        order = torch.randperm(n) if self.shuffle else torch.arange(n)
        for start in range(0, n, self.batch_size):
            yield self.interaction[order[start : start + self.batch_size]]


def create_dataset(config):
    return SequentialDataset(config)


def data_preparation(config, dataset):
    train, valid, test = dataset.build()
    return (
        SequentialDataLoader(config, dataset, train, config["train_batch_size"], shuffle=True),
        SequentialDataLoader(config, dataset, valid, config["eval_batch_size"], shuffle=False),
        SequentialDataLoader(config, dataset, test, config["eval_batch_size"], shuffle=False),
    )

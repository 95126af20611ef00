"""GRU over a bare parameter table, full softmax, a shuffled DataLoader. Healthy."""

import torch
import torch.nn.functional as tf
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Sequences(Dataset):
    def __init__(self, data, length):
        self.rows = []
        for u in range(1, data.n_users + 1):
            row = torch.as_tensor(data.items[data.offsets[u] : data.offsets[u + 1]])[-length:]
            self.rows.append(tf.pad(row, (length - len(row), 0)))

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        return self.rows[i][:-1], self.rows[i][1:]


class Net(nn.Module):
    def __init__(self, n, width=16):
        super().__init__()
        self.catalogue = nn.Parameter(  # role: item_table
            torch.randn(n + 1, width) * 0.1
        )
        self.rnn = nn.GRU(width, width, batch_first=True)  # role: encoder
        self.drop = 0.1

    def forward(self, x):
        h = tf.embedding(x, self.catalogue, padding_idx=0)
        h = tf.dropout(h, self.drop, self.training)  # role: dropout
        return self.rnn(h)[0]


class Shop:
    def __init__(self, data, seed):
        torch.manual_seed(seed)
        self.net = Net(data.n_items)
        self.feed = DataLoader(Sequences(data, 8), batch_size=16, shuffle=True)  # role: loader
        self.stepper = torch.optim.RMSprop(  # role: optimizer
            self.net.parameters(), lr=0.01
        )

    def fit(self):
        while True:
            self.net.train()
            for x, y in self.feed:
                logits = self.net(x) @ self.net.catalogue.t()
                cost = tf.cross_entropy(  # role: loss
                    logits.flatten(0, 1), y.flatten(), ignore_index=0
                )
                self.stepper.zero_grad()
                cost.backward()
                self.stepper.step()
            yield {"loss": float(cost.detach())}

    def score(self, users, histories):
        self.net.eval()
        with torch.inference_mode():
            last = self.net(torch.as_tensor(histories))[:, -1]
            return tf.linear(last, self.net.catalogue).numpy()  # role: scoring


def build(data, *, device, seed):  # role: entry
    return Shop(data, seed)

import argparse

import numpy as np
import torch
import torch.optim as optim

from caser import Caser
from interactions import CandidateSets, Interactions
from utils import gpu, minibatch, set_seed, shuffle

parser = argparse.ArgumentParser()
# data arguments
parser.add_argument("--L", type=int, default=5)
parser.add_argument("--T", type=int, default=2)
# train arguments
parser.add_argument("--n_iter", type=int, default=50)
parser.add_argument("--batch_size", type=int, default=256)
parser.add_argument("--learning_rate", type=float, default=5e-3)
parser.add_argument("--l2", type=float, default=1e-6)
parser.add_argument("--neg_samples", type=int, default=6)
# model dependent arguments
parser.add_argument("--d", type=int, default=40)
parser.add_argument("--nv", type=int, default=2)
parser.add_argument("--nh", type=int, default=12)
parser.add_argument("--drop", type=float, default=0.4)
parser.add_argument("--ac_conv", type=str, default="relu")
parser.add_argument("--ac_fc", type=str, default="relu")


class Recommender(object):
    """Trains Caser with binary cross-entropy on targets and sampled items."""

    def __init__(self, train, config, device):
        self._device = device
        self.config = config
        self._num_items = train.num_items
        train.to_sequence(config.L, config.T)
        self._windows = train.sequences
        self._candidates = CandidateSets(train)
        self._net = gpu(Caser(train.num_users, train.num_items, config), device)
        self._optimizer = optim.Adam(
            self._net.parameters(), weight_decay=config.l2, lr=config.learning_rate
        )

    def fit(self):
        seq = self._windows
        for epoch_num in range(self.config.n_iter):
            self._net.train()
            users_np, sequences_np, targets_np = shuffle(seq.user_ids, seq.sequences, seq.targets)
            negatives_np = self._candidates.generate_negative_samples(users_np, self.config.neg_samples)
            users, sequences, targets, negatives = (
                gpu(torch.from_numpy(a).long(), self._device)
                for a in (users_np, sequences_np, targets_np, negatives_np)
            )
            epoch_loss, minibatch_num = 0.0, 0
            for batch in minibatch(users, sequences, targets, negatives, batch_size=self.config.batch_size):
                loss = self._step(*batch)
                epoch_loss += loss
                minibatch_num += 1
            yield {"loss": float(epoch_loss) / minibatch_num, "epoch": epoch_num + 1}

    def _step(self, user, sequence, target, negative):
        T = target.size(1)
        items_to_predict = torch.cat((target, negative), 1)
        items_prediction = self._net(sequence, user, items_to_predict)
        targets_prediction, negatives_prediction = torch.split(
            items_prediction, [T, items_prediction.size(1) - T], dim=1
        )
        there = (target > 0).float()

        self._optimizer.zero_grad()
        positive_loss = -(torch.nn.functional.logsigmoid(targets_prediction) * there).sum() / there.sum()
        negative_loss = -torch.mean(torch.nn.functional.logsigmoid(-negatives_prediction))
        loss = positive_loss + negative_loss
        loss.backward()
        self._optimizer.step()
        return loss.detach()

    @torch.no_grad()
    def score(self, users, histories):
        self._net.eval()
        sequences = np.asarray(histories)[:, -self.config.L :]
        short = self.config.L - sequences.shape[1]
        sequences = np.pad(sequences, ((0, 0), (max(short, 0), 0)))
        sequences = gpu(torch.from_numpy(sequences).long(), self._device)
        user_ids = gpu(torch.from_numpy(np.asarray(users)).long(), self._device)
        item_ids = gpu(torch.arange(self._num_items + 1), self._device)
        return self._net(sequences, user_ids, item_ids, for_pred=True)

    predict = score

    def item_embeddings(self):
        return self._net.W2.weight.detach()

    def state_dict(self):
        return self._net.state_dict()

    def load_state_dict(self, state):
        self._net.load_state_dict(state)


def build(data, *, device, seed):
    config = parser.parse_args([])
    set_seed(seed)
    train = Interactions(np.asarray(data.users), np.asarray(data.items), data.n_users, data.n_items)
    return Recommender(train, config, device)

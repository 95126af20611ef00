import copy

import numpy as np
import torch
import torch.nn.functional as F

from caser import Caser
from evaluation import evaluate_ranking
from interactions import last_items
from utils import minibatch, shuffle


class Recommender(object):
    """Learns next items from windows of a user's items; `args` has what train_caser.py asks for"""

    def __init__(self, args, device="cpu"):
        self.args = args
        self._device = torch.device(device)
        self._net = None
        self._optimizer = None

    def _initialize(self, interactions):
        self._num_items = interactions.num_items
        self._num_users = interactions.num_users
        self._seen = interactions.seen()
        self._net = Caser(self._num_users, self._num_items, self.args).to(self._device)
        self._optimizer = torch.optim.Adam(
            self._net.parameters(), lr=self.args.learning_rate, weight_decay=self.args.l2
        )

    def fit(self, train, valid, verbose=True):
        """Trains for n_iter epochs and goes back to the one with the best MAP on valid"""
        self._initialize(train)
        histories = train.by_user()
        best_map, best_state = -1.0, None
        for epoch_num in range(self.args.n_iter):
            loss = self.fit_epoch(train)
            precision, recall, mean_aps, ndcg = evaluate_ranking(self, histories, valid)
            if verbose:
                print("Epoch %d loss=%.4f, map=%.4f, prec@10=%.4f, recall@10=%.4f, ndcg@10=%.4f"
                      % (epoch_num + 1, loss, mean_aps, precision, recall, ndcg))
            if mean_aps > best_map:
                best_map, best_state = mean_aps, copy.deepcopy(self._net.state_dict())
        self._net.load_state_dict(best_state)
        return best_map

    def fit_epoch(self, train):
        windows = train.sequences
        users, sequences, targets = shuffle(windows.user_ids, windows.sequences, windows.targets)
        negatives = self._generate_negative_samples(users, windows.T * self.args.neg_samples)

        self._net.train()
        epoch_loss, n_batches = torch.zeros((), device=self._device), 0
        for batch in minibatch(users, sequences, targets, negatives, batch_size=self.args.batch_size):
            user_var, seq_var, pos_var, neg_var = (torch.from_numpy(x).to(self._device) for x in batch)
            items_to_predict = torch.cat([pos_var, neg_var], dim=1)
            items_prediction = self._net(seq_var, user_var, items_to_predict)
            positive, negative = items_prediction.split([pos_var.size(1), neg_var.size(1)], dim=1)

            mask = (pos_var > 0).float()
            positive_loss = -(F.logsigmoid(positive) * mask).sum() / mask.sum()
            negative_loss = -F.logsigmoid(-negative).mean()
            loss = positive_loss + negative_loss

            self._optimizer.zero_grad()
            loss.backward()
            self._optimizer.step()
            epoch_loss += loss.detach()
            n_batches += 1
        return epoch_loss.item() / n_batches

    def _generate_negative_samples(self, users, n):
        """(N, n): items that the user does not have, drawn anew in each epoch"""
        negatives = np.random.randint(1, self._num_items, size=(len(users), n))
        taken = self._seen[users[:, None], negatives]
        while taken.any():
            negatives[taken] = np.random.randint(1, self._num_items, size=taken.sum())
            taken = self._seen[users[:, None], negatives]
        return negatives

    def predict(self, user_ids, histories):
        """user_ids (B,), item ids of each of them, oldest first -> scores (B, num_items)"""
        self._net.eval()
        with torch.no_grad():
            sequences = torch.from_numpy(last_items(histories, self.args.L)).to(self._device)
            users = torch.as_tensor(user_ids, device=self._device)
            scores = self._net.score_all(sequences, users)
        return scores.cpu().numpy()

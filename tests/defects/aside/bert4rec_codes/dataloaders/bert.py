import random

import torch
import torch.utils.data as data_utils


class BertDataloader:
    def __init__(self, args, u2seq, item_count):
        self.args = args
        self.rng = random.Random(args.dataloader_random_seed)
        self.u2seq = u2seq
        self.item_count = item_count
        args.num_items = item_count
        self.CLOZE_MASK_TOKEN = item_count + 1

    @classmethod
    def code(cls):
        return "bert"

    def get_train_loader(self):
        dataset = BertTrainDataset(
            self.u2seq,
            self.args.bert_max_len,
            self.args.bert_mask_prob,
            self.args.last_only_prob,
            self.CLOZE_MASK_TOKEN,
            self.item_count,
            self.args.dupe_factor,
            self.rng,
        )
        return data_utils.DataLoader(dataset, batch_size=self.args.train_batch_size, shuffle=True)


class BertTrainDataset(data_utils.Dataset):
    def __init__(self, u2seq, max_len, mask_prob, last_only_prob, mask_token, num_items, dupe_factor, rng):
        self.u2seq = u2seq
        self.users = sorted(self.u2seq.keys())
        self.max_len = max_len
        self.mask_prob = mask_prob
        self.last_only_prob = last_only_prob
        self.mask_token = mask_token
        self.num_items = num_items
        self.dupe_factor = dupe_factor
        self.rng = rng

    def __len__(self):
        return len(self.users) * self.dupe_factor

    def __getitem__(self, index):
        user = self.users[index % len(self.users)]
        seq = self._getseq(user)

        tokens = []
        labels = []
        if self.rng.random() < self.last_only_prob:
            tokens = list(seq[:-1]) + [self.mask_token]
            labels = [0] * (len(seq) - 1) + [seq[-1]]
        else:
            for s in seq:
                prob = self.rng.random()
                if prob < self.mask_prob:
                    prob /= self.mask_prob

                    if prob < 0.8:
                        tokens.append(self.mask_token)
                    elif prob < 0.9:
                        tokens.append(self.rng.randint(1, self.num_items))
                    else:
                        tokens.append(s)

                    labels.append(s)
                else:
                    tokens.append(s)
                    labels.append(0)

        tokens = tokens[-self.max_len :]
        labels = labels[-self.max_len :]

        pad_len = self.max_len - len(tokens)
        tokens = [0] * pad_len + tokens
        labels = [0] * pad_len + labels

        return torch.LongTensor(tokens), torch.LongTensor(labels)

    def _getseq(self, user):
        """A stretch of the history that ends anywhere, so that every event is once the last one."""
        seq = self.u2seq[user]
        if len(seq) < 3:
            return seq
        end = self.rng.randint(2, len(seq))
        return seq[:end]

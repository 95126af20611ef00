from random import Random

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset


class NegativeSampler:
    """Items that a user does not have, to rank the answer among; the same ones for the whole run"""

    def __init__(self, train, val, test, item_count, sample_size, seed):
        self.train, self.val, self.test = train, val, test
        self.item_count = item_count
        self.sample_size = sample_size
        self.seed = seed

    def weights(self):
        raise NotImplementedError

    def generate(self):
        rng = np.random.default_rng(self.seed)
        weights = self.weights()
        return {user: self.sample(rng, weights, user) for user in self.train}

    def sample(self, rng, weights, user):
        p = weights.copy()
        p[self.train[user] + self.val.get(user, []) + self.test.get(user, [])] = 0
        size = min(self.sample_size, np.count_nonzero(p))
        return rng.choice(self.item_count + 1, size, replace=False, p=p / p.sum()).tolist()


class RandomNegativeSampler(NegativeSampler):
    def weights(self):
        weights = np.ones(self.item_count + 1)
        weights[0] = 0
        return weights


class PopularNegativeSampler(NegativeSampler):
    def weights(self):
        weights = np.zeros(self.item_count + 1)
        for seq in self.train.values():
            np.add.at(weights, seq, 1)
        return weights


NEGATIVE_SAMPLERS = {"popular": PopularNegativeSampler, "random": RandomNegativeSampler}


class BertDataloader:
    def __init__(self, args, train, val, test, item_count):
        self.args = args
        self.train, self.val, self.test = train, val, test
        self.item_count = item_count
        self.mask_token = item_count + 1
        self.rng = Random(args.dataloader_random_seed)
        self.negative_samples = {}
        if val:
            sampler = NEGATIVE_SAMPLERS[args.test_negative_sampler](
                train, val, test, item_count, args.test_negative_sample_size, args.test_negative_sampling_seed
            )
            self.negative_samples = sampler.generate()

    def get_pytorch_dataloaders(self):
        past = {user: seq + self.val[user] for user, seq in self.train.items() if user in self.val}
        return self.get_train_loader(), self.get_eval_loader(self.train, self.val), self.get_eval_loader(past, self.test)

    def get_train_loader(self):
        dataset = BertTrainDataset(self.train, self.args, self.mask_token, self.rng)
        generator = torch.Generator().manual_seed(self.args.dataloader_random_seed)
        return DataLoader(dataset, batch_size=self.args.train_batch_size, shuffle=True, generator=generator)

    def get_eval_loader(self, u2seq, answers):
        dataset = BertEvalDataset(u2seq, answers, self.negative_samples, self.args, self.mask_token, self.rng)
        return DataLoader(dataset, batch_size=self.args.test_batch_size, shuffle=False)


def pad(seq, max_len):
    seq = seq[-max_len:]
    return [0] * (max_len - len(seq)) + seq


class BertTrainDataset(Dataset):
    def __init__(self, u2seq, args, mask_token, rng):
        self.u2seq = u2seq
        self.users = sorted(u2seq)
        self.max_len = args.bert_max_len
        self.mask_prob = args.bert_mask_prob
        self.mask_token = mask_token
        self.rng = rng

    def __len__(self):
        return len(self.users)

    def __getitem__(self, index):
        seq = self.u2seq[self.users[index]]
        start = self.rng.randint(0, max(0, len(seq) - self.max_len))
        tokens, labels = [], []
        for item in seq[start:start + self.max_len]:
            if self.rng.random() < self.mask_prob:
                tokens.append(self.mask_token)
                labels.append(item)
            else:
                tokens.append(item)
                labels.append(0)
        if not any(labels):
            tokens[-1], labels[-1] = self.mask_token, tokens[-1]
        return torch.LongTensor(pad(tokens, self.max_len)), torch.LongTensor(pad(labels, self.max_len))


class BertEvalDataset(Dataset):
    def __init__(self, u2seq, u2answer, negative_samples, args, mask_token, rng):
        self.u2seq = u2seq
        self.users = sorted(u2answer)
        self.max_len = args.bert_max_len
        self.mask_token = mask_token
        self.candidates = {}
        for user in self.users:
            candidates = u2answer[user] + negative_samples[user]
            rng.shuffle(candidates)
            labels = [int(item in u2answer[user]) for item in candidates]
            self.candidates[user] = candidates, labels

    def __len__(self):
        return len(self.users)

    def __getitem__(self, index):
        user = self.users[index]
        candidates, labels = self.candidates[user]
        tokens = pad(self.u2seq[user] + [self.mask_token], self.max_len)
        return torch.LongTensor(tokens), torch.LongTensor(candidates), torch.LongTensor(labels)

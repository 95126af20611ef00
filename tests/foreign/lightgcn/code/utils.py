import os

import numpy as np
import torch
import world
from dataloader import BasicDataset
from model import PairWiseModel
from torch import optim


class BPRLoss:
    def __init__(self, recmodel: PairWiseModel, config: dict):
        self.model = recmodel
        self.weight_decay = config["decay"]
        self.lr = config["lr"]
        self.opt = optim.Adam(recmodel.parameters(), lr=self.lr)

    def stageOne(self, users, pos, neg):
        loss, reg_loss = self.model.bpr_loss(users, pos, neg)
        loss = loss + reg_loss * self.weight_decay
        self.opt.zero_grad()
        loss.backward()
        self.opt.step()
        return loss.cpu().item()


def UniformSample(dataset: BasicDataset):
    """one (user, positive, negative) for every interaction, users by chance"""
    users = np.random.randint(0, dataset.n_users, dataset.trainDataSize)
    S = []
    for user in users:
        mine = dataset.allPos[user]
        if len(mine) == 0:
            continue
        pos = mine[np.random.randint(0, len(mine))]
        while True:
            neg = np.random.randint(0, dataset.m_items)
            if neg not in mine:
                break
        S.append([user, pos, neg])
    return np.array(S)


def set_seed(seed):
    np.random.seed(seed)
    torch.manual_seed(seed)
    if torch.cuda.is_available():
        torch.cuda.manual_seed_all(seed)


def getFileName():
    return os.path.join(
        world.FILE_PATH, f"{world.model_name}-{world.dataset}-{world.config['latent_dim_rec']}.pth.tar"
    )


def minibatch(*tensors, batch_size):
    for i in range(0, len(tensors[0]), batch_size):
        yield tuple(x[i : i + batch_size] for x in tensors)


def shuffle(*arrays):
    order = np.arange(len(arrays[0]))
    np.random.shuffle(order)
    return tuple(x[order] for x in arrays)


class timer:
    """with timer(): ...; timer.told() says what it took"""

    TAPE = [-1]

    @staticmethod
    def told():
        return f"{timer.TAPE[-1]:.2f}s"

    def __enter__(self):
        from time import time

        self.start = time()

    def __exit__(self, *_):
        from time import time

        timer.TAPE.append(time() - self.start)

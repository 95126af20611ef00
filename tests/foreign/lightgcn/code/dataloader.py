from os.path import join
from time import time

import numpy as np
import scipy.sparse as sp
import torch
import world
from torch.utils.data import Dataset
from world import cprint


class BasicDataset(Dataset):
    def __init__(self):
        print("init dataset")

    @property
    def n_users(self):
        raise NotImplementedError

    @property
    def m_items(self):
        raise NotImplementedError

    @property
    def trainDataSize(self):
        raise NotImplementedError

    @property
    def testDict(self):
        raise NotImplementedError

    @property
    def allPos(self):
        raise NotImplementedError

    def getUserPosItems(self, users):
        raise NotImplementedError

    def getSparseGraph(self):
        """the normalised bipartite graph: users first, then items"""
        raise NotImplementedError


class Loader(BasicDataset):
    """reads train.txt and test.txt of a folder"""

    def __init__(self, config=world.config, path=join(world.DATA_PATH, world.dataset)):
        cprint(f"loading [{path}]")
        self.path = path
        self.n_user = 0
        self.m_item = 0
        self.trainUser, self.trainItem = self.read(join(path, "train.txt"))
        self.testUser, self.testItem = self.read(join(path, "test.txt"))
        self.n_user += 1
        self.m_item += 1
        self.Graph = None
        print(f"{self.trainDataSize} interactions for training, {len(self.testUser)} for testing")

        ones = np.ones(len(self.trainUser))
        self.UserItemNet = sp.csr_matrix(
            (ones, (self.trainUser, self.trainItem)), shape=(self.n_user, self.m_item)
        )
        self._allPos = self.getUserPosItems(list(range(self.n_user)))
        self.__testDict = self.__build_test()
        print(f"{world.dataset} is ready to go")

    def read(self, file):
        users, items = [], []
        with open(file) as f:
            for l in f.readlines():
                if len(l) > 0:
                    l = l.strip("\n").split(" ")
                    uid = int(l[0])
                    mine = [int(i) for i in l[1:]]
                    users.extend([uid] * len(mine))
                    items.extend(mine)
                    self.m_item = max([self.m_item] + mine)
                    self.n_user = max(self.n_user, uid)
        return np.array(users), np.array(items)

    @property
    def n_users(self):
        return self.n_user

    @property
    def m_items(self):
        return self.m_item

    @property
    def trainDataSize(self):
        return len(self.trainUser)

    @property
    def testDict(self):
        return self.__testDict

    @property
    def allPos(self):
        return self._allPos

    def _to_tensor(self, X):
        coo = X.tocoo().astype(np.float32)
        index = torch.from_numpy(np.stack([coo.row, coo.col])).long()
        return torch.sparse_coo_tensor(index, torch.from_numpy(coo.data), coo.shape)

    def getSparseGraph(self):
        if self.Graph is None:
            try:
                norm_adj = sp.load_npz(join(self.path, "s_pre_adj_mat.npz"))
                print("loaded the adjacency matrix")
            except:
                print("generating the adjacency matrix")
                s = time()
                R = self.UserItemNet
                adj = sp.bmat([[None, R], [R.T, None]], format="csr")
                degree = np.array(adj.sum(axis=1)).flatten()
                with np.errstate(divide="ignore"):
                    d_inv = np.power(degree, -0.5)
                d_inv[np.isinf(d_inv)] = 0.0
                norm_adj = (sp.diags(d_inv) @ adj @ sp.diags(d_inv)).tocsr()
                print(f"took {time() - s}s, saved")
                sp.save_npz(join(self.path, "s_pre_adj_mat.npz"), norm_adj)
            self.Graph = self._to_tensor(norm_adj).coalesce().to(world.device)
        return self.Graph

    def __build_test(self):
        test_data = {}
        for user, item in zip(self.testUser, self.testItem):
            test_data.setdefault(user, []).append(item)
        return test_data

    def getUserPosItems(self, users):
        return [self.UserItemNet[user].nonzero()[1] for user in users]

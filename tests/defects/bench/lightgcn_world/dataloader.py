import numpy as np
import scipy.sparse as sp
import torch
import world


class Loader:
    """Users 0..n_users-1, items 0..m_items-1 in here; ids of the outside world start at 1."""

    def __init__(self, data):
        self.n_user = data.n_users
        self.m_item = data.n_items
        self.trainUser = np.asarray(data.users) - 1
        self.trainItem = np.asarray(data.items) - 1
        self.UserItemNet = sp.csr_matrix(
            (np.ones(len(self.trainUser)), (self.trainUser, self.trainItem)), shape=(self.n_user, self.m_item)
        )
        self.prev = np.full(len(self.trainItem), -1)
        same = self.trainUser[1:] == self.trainUser[:-1]
        self.prev[1:][same] = self.trainItem[:-1][same]

    @property
    def trainDataSize(self):
        return len(self.trainUser)

    def getSparseGraph(self):
        n = self.n_user + self.m_item
        adj_mat = sp.dok_matrix((n, n), dtype=np.float32).tolil()
        R = self.UserItemNet.tolil()
        adj_mat[: self.n_user, self.n_user :] = R
        adj_mat[self.n_user :, : self.n_user] = R.T
        adj_mat = adj_mat.tocsr()
        rowsum = np.array(adj_mat.sum(axis=1)).flatten()
        d_inv = np.power(rowsum + world.EOS, -0.5)
        d_inv[rowsum == 0] = 0.0
        d_mat = sp.diags(d_inv)
        norm_adj = d_mat.dot(adj_mat).dot(d_mat).tocoo()
        index = torch.from_numpy(np.vstack([norm_adj.row, norm_adj.col]).astype(np.int64))
        value = torch.from_numpy(norm_adj.data.astype(np.float32))
        Graph = torch.sparse_coo_tensor(index, value, (n, n))
        return Graph.coalesce().to(world.device)


def UniformSample(dataset):
    """One negative per training pair: (N, 4) of user, previous item, positive, negative."""
    rows = np.random.permutation(dataset.trainDataSize)
    users = dataset.trainUser[rows]
    negItems = np.random.randint(0, dataset.m_item, len(rows))
    known = np.asarray(dataset.UserItemNet[users, negItems]).ravel() > 0
    while known.any():
        negItems[known] = np.random.randint(0, dataset.m_item, known.sum())
        known = np.asarray(dataset.UserItemNet[users, negItems]).ravel() > 0
    return np.stack([users, dataset.prev[rows], dataset.trainItem[rows], negItems], axis=1)

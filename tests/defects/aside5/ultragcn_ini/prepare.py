import numpy as np
import scipy.sparse as sp
import torch


def interaction_matrix(pairs, user_num, item_num):
    ones = np.ones(len(pairs), dtype=np.float32)
    mat = sp.csr_matrix((ones, (pairs[:, 0], pairs[:, 1])), shape=(user_num, item_num))
    mat.data[:] = 1.0  # an item bought twice counts once
    return mat


def beta_weights(train_mat):
    """sqrt(d_u + 1) / d_u of the users, 1 / sqrt(d_i + 1) of the items."""
    users_D = np.asarray(train_mat.sum(axis=1)).reshape(-1)
    items_D = np.asarray(train_mat.sum(axis=0)).reshape(-1)
    beta_users = np.sqrt(users_D + 1) / np.maximum(users_D, 1)
    beta_items = 1 / np.sqrt(items_D + 1)
    return torch.from_numpy(beta_users).float(), torch.from_numpy(beta_items).float()


def ii_neighbors(train_mat, num_neighbors):
    """The items that most share buyers with each item, (item_num, num_neighbors), and their weights."""
    A = train_mat.T.dot(train_mat).toarray()
    np.fill_diagonal(A, 0)
    items_D = A.sum(axis=0)
    users_D = A.sum(axis=1)
    beta_uD = np.sqrt(users_D + 1) / np.maximum(users_D, 1)
    beta_iD = 1 / np.sqrt(items_D + 1)
    weights = torch.from_numpy(beta_uD[:, None] * beta_iD[None, :] * A).float()
    row_sims, row_idxs = torch.topk(weights, num_neighbors, dim=1)
    return row_idxs, row_sims


def load_split(path):
    """user,item,time rows; a user's newest event is for test, the one before it for validation.

    Returns training pairs, user -> item of validation and test, user -> training items, and both counts.
    """
    log = np.loadtxt(path, delimiter=',', dtype=np.int64)
    log = log[np.lexsort((log[:, 2], log[:, 0]))]
    user_num, item_num = int(log[:, 0].max()) + 1, int(log[:, 1].max()) + 1
    pairs, valid, test, seen = [], {}, {}, {}
    for user in range(user_num):
        items = log[log[:, 0] == user, 1].tolist()
        seen[user] = items
        if len(items) >= 3:
            seen[user], valid[user], test[user] = items[:-2], items[-2], items[-1]
        pairs += [(user, item) for item in seen[user]]
    return np.array(pairs), valid, test, seen, user_num, item_num

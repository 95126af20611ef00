import numpy as np


def load_ratings(path):
    """Lines "user,item,rating,timestamp" -> users, items, times, both ids from 0; (user, item) once, by user and time"""
    table = np.loadtxt(path, delimiter=",", skiprows=1, dtype=np.int64)
    table = table[np.argsort(table[:, 3], kind="stable")]
    _, first = np.unique(table[:, :2], axis=0, return_index=True)
    table = table[np.sort(first)]
    users = np.unique(table[:, 0], return_inverse=True)[1]
    items = np.unique(table[:, 1], return_inverse=True)[1]
    order = np.argsort(users, kind="stable")
    return users[order], items[order], table[order, 3]


def train_test_split(users, items, times, test_size=0.2):
    """The newest fifth of each user's ratings is the test -> two (N, 2) of user and item"""
    is_test = np.zeros(len(users), dtype=bool)
    for user in np.unique(users):
        mine = np.flatnonzero(users == user)
        mine = mine[np.argsort(times[mine], kind="stable")]
        is_test[mine[len(mine) - int(len(mine) * test_size):]] = True
    pairs = np.stack([users, items], axis=1)
    return pairs[~is_test], pairs[is_test], times[~is_test]


def group_by_user(pairs):
    """{user: items}"""
    groups = {}
    for user, item in pairs:
        groups.setdefault(int(user), []).append(int(item))
    return groups

"""python mf.py u.data"""

import argparse

import numpy as np


def load(path):
    """(N, 4) user, item, rating, time; ids from 1 become ids from 0"""
    rows = np.loadtxt(path, dtype=np.int64, delimiter="\t")
    rows[:, :2] -= 1
    return rows[np.lexsort((rows[:, 3], rows[:, 0]))]


def split(rows):
    """the last row of each user is for the test"""
    last = np.append(rows[1:, 0] != rows[:-1, 0], True)
    return rows[~last], rows[last]


class ALS:
    def __init__(self, n_users, n_items, factors=16, reg=5.0, alpha=10.0, seed=0):
        rng = np.random.default_rng(seed)
        self.reg, self.alpha = reg, alpha
        self.P = rng.normal(0, 0.1, (n_users, factors))
        self.Q = rng.normal(0, 0.1, (n_items, factors))

    def sweep(self, R):
        """one update of all users, then of all items; returns the loss"""
        self.P = self.solve(R, self.Q)
        self.Q = self.solve(R.T, self.P)
        return self.loss(R)

    def solve(self, R, fixed):
        gram = fixed.T @ fixed + self.reg * np.eye(fixed.shape[1])
        out = np.zeros((R.shape[0], fixed.shape[1]))
        for row in range(R.shape[0]):
            seen = np.flatnonzero(R[row])
            some = fixed[seen]
            confidence = self.alpha * R[row, seen]
            A = gram + (some * confidence[:, None]).T @ some
            b = some.T @ (1.0 + confidence)
            out[row] = np.linalg.solve(A, b)
        return out

    def loss(self, R):
        error = (R > 0) - self.P @ self.Q.T
        weight = 1.0 + self.alpha * R
        return (weight * error**2).sum() + self.reg * ((self.P**2).sum() + (self.Q**2).sum())

    def predict(self, user):
        return self.Q @ self.P[user]


def evaluate(model, train, test, k=10):
    hits = []
    for user, item, _, _ in test:
        scores = model.predict(user)
        scores[train[train[:, 0] == user, 1]] = -np.inf
        hits.append(item in np.argpartition(-scores, k)[:k])
    return np.mean(hits)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("--factors", type=int, default=16)
    parser.add_argument("--sweeps", type=int, default=15)
    parser.add_argument("--reg", type=float, default=5.0)
    parser.add_argument("--alpha", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    rows = load(args.data)
    n_users, n_items = rows[:, 0].max() + 1, rows[:, 1].max() + 1
    train, test = split(rows)
    R = np.zeros((n_users, n_items))
    R[train[:, 0], train[:, 1]] = 1.0
    model = ALS(n_users, n_items, args.factors, args.reg, args.alpha, args.seed)
    for sweep in range(args.sweeps):
        loss = model.sweep(R)
        print("sweep %2d  loss %.1f  hr@10 %.4f" % (sweep + 1, loss, evaluate(model, train, test)))

    np.save("scores.npy", model.P @ model.Q.T)
    np.savez("factors.npz", users=model.P, items=model.Q)


if __name__ == "__main__":
    main()

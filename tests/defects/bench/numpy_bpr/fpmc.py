import numpy as np
from sampling import TripleSampler


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


class FPMC(object):
    """Factorised personalised Markov chains (Rendle et al. 2010) with S-BPR, gradients by hand."""

    def __init__(self, n_user, n_item, n_factor, learn_rate, regular, std, rs):
        self.n_user = n_user
        self.n_item = n_item
        self.learn_rate = learn_rate
        self.regular = regular
        self.VUI = rs.normal(0, std, size=(n_user + 1, n_factor))
        self.VIU = rs.normal(0, std, size=(n_item + 1, n_factor))
        self.VIL = rs.normal(0, std, size=(n_item + 1, n_factor))
        self.VLI = rs.normal(0, std, size=(n_item + 1, n_factor))
        self.bias = np.zeros(n_item + 1)

    def compute_x(self, u, l, i):
        return (self.VUI[u] * self.VIU[i]).sum(1) + (self.VIL[i] * self.VLI[l]).sum(1) + self.bias[i]

    def sbpr_step(self, u, l, i, j):
        z = self.compute_x(u, l, i) - self.compute_x(u, l, j)
        delta = 1.0 - sigmoid(z)
        d = delta[:, None]
        lr, reg = self.learn_rate, self.regular
        vui, viu_i, viu_j = self.VUI[u], self.VIU[i], self.VIU[j]
        vil_i, vil_j, vli = self.VIL[i], self.VIL[j], self.VLI[l]
        np.add.at(self.VUI, u, lr * (d * (viu_i - viu_j) - reg * vui))
        np.add.at(self.VIU, i, lr * (d * vui - reg * viu_i))
        np.add.at(self.VIU, j, lr * (-d * vui - reg * viu_j))
        np.add.at(self.VIL, i, lr * (d * vli - reg * vil_i))
        np.add.at(self.VIL, j, lr * (-d * vli - reg * vil_j))
        np.add.at(self.VLI, l, lr * (d * (vil_i - vil_j) - reg * vli))
        np.add.at(self.bias, i, lr * (delta - reg * self.bias[i]))
        np.add.at(self.bias, j, lr * (-delta - reg * self.bias[j]))
        return -np.log(sigmoid(z) + 1e-12).sum()

    def predict(self, u, l):
        former = self.VUI[u] @ self.VIU.T
        latter = self.VLI[l] @ self.VIL.T
        return former + latter + self.bias


class Fitted(object):
    LEARN_RATE = 0.1
    DECAY = 0.97

    def __init__(self, data, seed):
        self.rs = np.random.RandomState(seed)
        self.model = FPMC(data.n_users, data.n_items, 24, self.LEARN_RATE, 0.02, 0.05, self.rs)
        self.sampler = TripleSampler(np.array(data.users), np.array(data.items), data.n_items, self.rs)

    def fit(self):
        while True:
            total = 0.0
            for u, l, i, j in self.sampler.batches(64):
                total += self.model.sbpr_step(u, l, i, j)
            self.model.learn_rate *= self.DECAY
            yield {"sbpr": total / len(self.sampler)}

    def score(self, users, histories):
        last = np.asarray(histories)[:, -1]
        return self.model.predict(np.asarray(users), last).astype("float32")

    def item_embeddings(self):
        return np.hstack([self.model.VIU, self.model.VIL])

    def state_dict(self):
        m = self.model
        return {
            "VUI": m.VUI.copy(),
            "VIU": m.VIU.copy(),
            "VIL": m.VIL.copy(),
            "VLI": m.VLI.copy(),
            "bias": m.bias.copy(),
        }

    def load_state_dict(self, state):
        for name, value in state.items():
            setattr(self.model, name, np.array(value))


def build(data, *, device, seed):
    return Fitted(data, seed)

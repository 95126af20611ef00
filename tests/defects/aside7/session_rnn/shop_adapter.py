import numpy as np

from session_rnn import SessionRNN


class ShopAdapter(object):
    """Customers are sessions that never end."""

    def __init__(self, data, device, seed, n_epochs=8):
        cats = {}
        item_cat = np.zeros(data.n_items + 1, dtype=np.int64)
        for item in range(1, data.n_items + 1):
            path = '/'.join(data.item_columns.categories[item])
            item_cat[item] = cats.setdefault(path, len(cats) + 1)
        sessions = []
        for user in range(1, data.n_users + 1):
            bought = np.asarray(data.items[data.offsets[user]:data.offsets[user + 1]])
            if len(bought) > 1:
                sessions.append(bought)
        self.n_epochs = n_epochs
        self.model = SessionRNN(data.n_items, item_cat, seed=seed, device=device)
        self.model.prepare(sessions)

    def fit(self):
        for _ in range(self.n_epochs):
            yield {'loss': self.model.train_epoch()}

    def score(self, users, histories):
        histories = np.asarray(histories)
        return self.model.predict([row[row > 0] for row in histories])

    def state_dict(self):
        return self.model.net.state_dict()

    def load_state_dict(self, state):
        self.model.net.load_state_dict(state)


def build(data, *, device, seed):
    return ShopAdapter(data, device, seed)

import numpy as np

from data import LabelEncoder, by_time, sequences
from train import Trainer, parser


class Server:
    def __init__(self, data, device, seed):
        self.args = parser.parse_args(["--seed", str(seed)])
        categories = ["/".join(levels) for levels in data.item_columns.categories[1:]]
        item_cat = np.array([0] + LabelEncoder().fit_transform(categories))
        events = []
        for user, item, time in zip(data.users, data.items, data.timestamps):
            events.append((user, item, time))
        rows = by_time(events)
        self.trainer = Trainer(sequences(rows), data.n_users, item_cat, self.args, device)

    def fit(self):
        for epoch in range(self.args.epochs):
            yield {"epoch": epoch, "loss": self.trainer.train_epoch()}

    def score(self, users, histories):
        past = [[int(item) for item in history if item > 0] for history in np.asarray(histories)]
        return self.trainer.scores(np.asarray(users).tolist(), past).cpu().numpy()

    def state_dict(self):
        return self.trainer.model.state_dict()

    def load_state_dict(self, state):
        self.trainer.model.load_state_dict(state)


def build(data, *, device, seed):
    return Server(data, device, seed)

"""python rec.py events.csv"""
import sys
from dataclasses import dataclass

import torch

from datamodule import EventsDataModule, load_csv, pad_left
from module import RetrievalModule
from trainer import EarlyStopping, ModelCheckpoint, Trainer


@dataclass
class Config:
    max_len: int = 20
    dim: int = 32
    heads: int = 2
    layers: int = 1
    dropout: float = 0.2
    temperature: float = 0.1
    batch_size: int = 16
    lr: float = 4e-3
    gamma: float = 0.95
    weight_decay: float = 0.01
    max_epochs: int = 20
    n_candidates: int = 100
    seed: int = 7


class Recommender:
    def __init__(self, data, device, seed):
        torch.manual_seed(seed)
        self.config = Config(seed=seed)
        self.device = torch.device(device)
        names = {}
        cats = ["/".join(levels) for levels in data.item_columns.categories[1:]]
        item_cat = [0] + [names.setdefault(cat, len(names) + 1) for cat in cats]
        events = list(zip(data.users.tolist(), data.items.tolist(), data.timestamps.tolist()))
        self.datamodule = EventsDataModule(events, torch.tensor(item_cat), self.config)
        self.datamodule.setup(hold_out=False)
        self.module = RetrievalModule(self.datamodule.item_cat, self.datamodule.item_log_q(), self.config).to(device)

    def fit(self):
        trainer = Trainer(self.config.max_epochs, self.device)
        for loss in trainer.epochs(self.module, self.datamodule.train_dataloader()):
            yield {"loss": loss}

    @torch.no_grad()
    def score(self, users, histories):
        self.module.eval()
        seqs = [[item for item in row if item > 0] for row in histories.tolist()]
        return self.module.predict_step(pad_left(seqs, self.config.max_len).to(self.device)).cpu().numpy()

    def state_dict(self):
        return self.module.state_dict()

    def load_state_dict(self, state):
        self.module.load_state_dict(state)


def build(data, *, device, seed):
    return Recommender(data, device, seed)


def main():
    config = Config()
    torch.manual_seed(config.seed)
    datamodule = EventsDataModule(*load_csv(sys.argv[1]), config)
    datamodule.setup()
    module = RetrievalModule(datamodule.item_cat, datamodule.item_log_q(), config)
    checkpoint = ModelCheckpoint()
    trainer = Trainer(config.max_epochs, callbacks=[EarlyStopping(), checkpoint])
    trainer.fit(module, datamodule)
    module.load_state_dict(checkpoint.best_state)
    print("test", trainer.validate(module, datamodule.test_dataloader()))


if __name__ == "__main__":
    main()

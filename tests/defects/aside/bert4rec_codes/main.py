import numpy as np
import torch

from dataloaders import dataloader_factory
from models import model_factory
from options import get_args
from trainers import trainer_factory
from utils import fix_random_seed_as


class BERT4Rec:
    def __init__(self, args, u2seq, item_count):
        self.args = args
        self.loader = dataloader_factory(args, u2seq, item_count)
        self.mask_token = self.loader.CLOZE_MASK_TOKEN
        self.model = model_factory(args)
        self.trainer = trainer_factory(args, self.model, self.loader.get_train_loader())

    def fit(self):
        epoch = 0
        while True:
            yield {"loss": self.trainer.train_one_epoch(epoch)}
            epoch += 1

    def _test_sequences(self, histories):
        """The history with the mask token at its end, as wide as the model is."""
        width = self.args.bert_max_len
        histories = np.asarray(histories)[:, -(width - 1) :]
        out = np.zeros((len(histories), width), dtype=np.int64)
        out[:, width - 1 - histories.shape[1] : width - 1] = histories
        out[:, -1] = self.mask_token
        return torch.from_numpy(out).to(self.args.device)

    def score(self, users, histories):
        self.model.eval()
        with torch.no_grad():
            scores = self.model(self._test_sequences(histories))
            return scores[:, -1, :]

    def item_embeddings(self):
        return self.model.out.weight.detach()

    def state_dict(self):
        return self.model.state_dict()

    def load_state_dict(self, state):
        self.model.load_state_dict(state)


def build(data, *, device, seed):
    args = get_args()
    args.device = device
    args.model_init_seed = seed
    args.dataloader_random_seed = seed
    fix_random_seed_as(seed)
    u2seq = {
        u: data.items[data.offsets[u] : data.offsets[u + 1]].tolist() for u in range(1, data.n_users + 1)
    }
    return BERT4Rec(args, u2seq, data.n_items)

"""The shop's log as sessions, one a customer, and NARM behind the interface of its framework."""
import numpy as np
import torch
from torch import nn

import main as narm_main
from dataset import pad
from narm import NARM


class ShopNARM(object):
    def __init__(self, log, args):
        self.args = args
        sessions = []
        for u in range(1, log.n_users + 1):
            items = log.items[log.offsets[u]:log.offsets[u + 1]].tolist()
            if len(items) > 1:
                sessions.append(items)
        self.loader = narm_main.make_loader(sessions, args, shuffle=True)
        self.model = NARM(log.n_items, args.hidden_size, args.embed_dim).to(narm_main.device)
        self.optimizer, self.scheduler = narm_main.make_optimizer(self.model, args)
        self.criterion = nn.CrossEntropyLoss()

    def fit(self):
        for _ in range(self.args.epoch):
            loss = narm_main.train_for_epoch(
                self.loader, self.model, self.optimizer, self.scheduler, self.criterion, self.args
            )
            yield {'loss': loss}

    def score(self, users, histories):
        self.model.eval()
        seqs = []
        for row in np.asarray(histories):
            seq = row[row > 0][-self.args.max_len:]
            seqs.append(seq if len(seq) else row[-1:])

        # packing wants the longest first; the answers go back into the order of the question
        order = np.argsort([-len(s) for s in seqs], kind='stable')
        padded, lens = pad([seqs[i] for i in order])
        with torch.no_grad():
            outputs = self.model(padded.to(narm_main.device), lens).cpu()
        scores = torch.full((len(seqs), outputs.size(1) + 1), -1e9)
        scores[torch.as_tensor(order), 1:] = outputs
        return scores.numpy()

    def item_embeddings(self):
        return self.model.emb.weight.detach().cpu().numpy()

    def state_dict(self):
        return self.model.state_dict()

    def load_state_dict(self, state):
        self.model.load_state_dict(state)


def build(log, *, device, seed):
    args = narm_main.parser.parse_args([])
    narm_main.device = torch.device(device)
    torch.manual_seed(seed)
    return ShopNARM(log, args)

import numpy as np
import torch
import torch.nn.functional as F
from srgnn.model import SessionGraph


def trans_to_cuda(variable, device):
    return variable.to(device, non_blocking=True) if device.type == "cuda" else variable


class Engine:
    def __init__(self, opt, n_node, device):
        self.opt = opt
        self.device = torch.device(device)
        self.model = SessionGraph(opt, n_node).to(self.device)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=opt["lr"], weight_decay=opt["l2"])
        self.scheduler = torch.optim.lr_scheduler.StepLR(
            self.optimizer, step_size=opt["lr_dc_step"], gamma=opt["lr_dc"]
        )

    def forward(self, alias, A, nodes, mask):
        parts = (trans_to_cuda(torch.as_tensor(x), self.device) for x in (alias, A, nodes, mask))
        return self.model.compute_scores(self.model(*parts))

    def train(self, data):
        self.model.train()
        total, seen = 0.0, 0
        for idx in data.generate_batch(self.opt["batch_size"]):
            *graph, targets = data.get_slice(idx)
            self.optimizer.zero_grad()
            scores = self.forward(*graph)
            targets = trans_to_cuda(torch.as_tensor(targets), self.device)
            loss = F.cross_entropy(scores, targets - 1)
            loss.backward()
            self.optimizer.step()
            total += loss.detach() * len(idx)
            seen += len(idx)
        self.scheduler.step()
        return float(total) / seen

    @torch.no_grad()
    def scores(self, graph):
        self.model.eval()
        return self.forward(*graph)

    def test(self, data, k=20):
        hit, mrr = [], []
        for idx in data.generate_batch(self.opt["batch_size"]):
            *graph, targets = data.get_slice(idx)
            top = self.scores(graph).topk(k)[1].cpu().numpy()
            for score, target in zip(top, targets):
                where = np.flatnonzero(score == target - 1)
                hit.append(len(where) > 0)
                mrr.append(1 / (where[0] + 1) if len(where) else 0)
        return np.mean(hit) * 100, np.mean(mrr) * 100

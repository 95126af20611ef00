import numpy as np
import torch
import torch.nn.functional as F
from torch.optim import Adam
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader
from utils import AverageMeter, maybe_parallel, ndcg_at_k, recall_at_k, unwrap


class Trainer:
    """Trains, tests and answers; everything that touches the device is here."""

    def __init__(self, model, train_set, args, device):
        self.args = args
        self.device = device
        self.model = maybe_parallel(model.to(device), args.gpu_ids)
        self.loader = DataLoader(train_set, batch_size=args.batch_size, shuffle=True)
        self.optim = Adam(
            self.model.parameters(),
            lr=args.lr,
            betas=(0.9, args.adam_beta2),
            weight_decay=args.weight_decay,
        )
        self.schedule = LambdaLR(self.optim, lambda step: min(1.0, (step + 1) / args.warmup_steps))

    def loss(self, seq_out, pos_ids, neg_ids):
        items = unwrap(self.model).items
        pos_logits = (seq_out * items(pos_ids)).sum(-1)
        neg_logits = torch.einsum("btd,btkd->btk", seq_out, items(neg_ids))
        istarget = (pos_ids > 0).float()
        per_step = F.softplus(-pos_logits) + F.softplus(neg_logits).mean(-1)
        return (per_step * istarget).sum() / istarget.sum()

    def train_epoch(self):
        self.model.train()
        meter = AverageMeter()
        for step, batch in enumerate(self.loader):
            input_ids, pos_ids, neg_ids = (t.to(self.device) for t in batch)
            loss = self.loss(self.model(input_ids), pos_ids, neg_ids)
            (loss / self.args.gradient_accumulation).backward()
            if (step + 1) % self.args.gradient_accumulation == 0:
                torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.args.max_grad_norm)
                self.optim.step()
                self.schedule.step()
                self.optim.zero_grad()
            meter.update(loss.detach(), input_ids.size(0))
        return float(meter.avg)

    @torch.no_grad()
    def full_sort(self, input_ids):
        """(B, T) -> (B, n_items + 1)"""
        self.model.eval()
        seq_out = self.model(input_ids.to(self.device))[:, -1]
        return seq_out @ unwrap(self.model).items.table().T

    def test(self, test_set, k=10):
        ranked, answers = [], []
        for input_ids, target in DataLoader(test_set, batch_size=128):
            scores = self.full_sort(input_ids).cpu().numpy()
            scores[:, 0] = -np.inf
            np.put_along_axis(scores, input_ids.numpy(), -np.inf, axis=1)
            ranked += np.argsort(-scores, axis=1)[:, :k].tolist()
            answers += [[int(t)] for t in target]
        return recall_at_k(answers, ranked, k), ndcg_at_k(answers, ranked, k)

import torch
import torch.nn.functional as F


class Trainer:
    def __init__(self, net, loader, cfg, device):
        self.net = net
        self.loader = loader
        self.cfg = cfg
        self.device = device
        self.opt = torch.optim.AdamW(net.parameters(), lr=cfg.lr, weight_decay=cfg.wd)
        self.sched = torch.optim.lr_scheduler.LambdaLR(
            self.opt, lambda step: min(1.0, (step + 1) / cfg.warmup)
        )

    def batch_loss(self, batch):
        tokens, labels, negs = [t.to(self.device) for t in batch]
        h = self.net.encode(tokens)
        cands = torch.cat([labels.unsqueeze(-1), negs], dim=-1)
        logits = self.net.logits_of(h, cands)
        keep = labels > 0
        logits = logits[keep]
        gold = torch.zeros(logits.size(0), dtype=torch.long, device=self.device)
        return F.cross_entropy(logits, gold)

    def run_epoch(self):
        self.net.train()
        total, steps = 0.0, 0
        for batch in self.loader:
            loss = self.batch_loss(batch)
            self.opt.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.net.parameters(), self.cfg.clip)
            self.opt.step()
            self.sched.step()
            total += loss.detach()
            steps += 1
        return float(total) / max(steps, 1)

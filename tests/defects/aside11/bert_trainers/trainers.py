from abc import ABCMeta, abstractmethod

import torch
from torch import nn, optim


def recalls_and_ndcgs_for_ks(scores, labels, ks):
    """scores, labels: B x C"""
    metrics = {}
    answer_count = labels.sum(1)
    rank = torch.argsort(scores, dim=1, descending=True)
    hits = labels.gather(1, rank).float()
    weights = 1 / torch.log2(torch.arange(2, 2 + labels.size(1), device=labels.device).float())
    for k in sorted(ks, reverse=True):
        top = hits[:, :k]
        metrics["Recall@%d" % k] = (top.sum(1) / answer_count.clamp(max=k)).mean().item()
        dcg = (top * weights[:top.size(1)]).sum(1)
        idcg = torch.stack([weights[:min(int(n), k)].sum() for n in answer_count])
        metrics["NDCG@%d" % k] = (dcg / idcg).mean().item()
    return metrics


class AbstractTrainer(metaclass=ABCMeta):
    def __init__(self, args, model, train_loader, val_loader=None, test_loader=None, device="cpu"):
        self.args = args
        self.device = device
        self.model = model.to(device)
        self.train_loader = train_loader
        self.val_loader = val_loader
        self.test_loader = test_loader
        self.optimizer = optim.AdamW(self.model.parameters(), lr=args.lr, weight_decay=args.weight_decay)
        self.lr_scheduler = optim.lr_scheduler.StepLR(self.optimizer, step_size=args.decay_step, gamma=args.gamma)

    @abstractmethod
    def calculate_loss(self, batch):
        pass

    @abstractmethod
    def calculate_metrics(self, batch):
        pass

    def train(self):
        best = 0.0
        for epoch in range(self.args.num_epochs):
            loss = self.train_one_epoch()
            metrics = self.evaluate(self.val_loader)
            print("Epoch %d, loss %.3f, " % (epoch + 1, loss) + self.describe(metrics))
            if metrics[self.args.best_metric] > best:
                best = metrics[self.args.best_metric]
                torch.save(self.model.state_dict(), self.args.export_path)

    def train_one_epoch(self):
        self.model.train()
        total, examples = torch.zeros((), device=self.device), 0
        for batch in self.train_loader:
            batch = [x.to(self.device) for x in batch]
            self.optimizer.zero_grad()
            loss = self.calculate_loss(batch)
            loss.backward()
            self.optimizer.step()
            total += loss.detach() * batch[0].size(0)
            examples += batch[0].size(0)
        self.lr_scheduler.step()
        return total.item() / examples

    def evaluate(self, loader):
        self.model.eval()
        sums, users = {}, 0
        with torch.no_grad():
            for batch in loader:
                batch = [x.to(self.device) for x in batch]
                for name, value in self.calculate_metrics(batch).items():
                    sums[name] = sums.get(name, 0.0) + value * batch[0].size(0)
                users += batch[0].size(0)
        return {name: value / users for name, value in sums.items()}

    def test(self):
        self.model.load_state_dict(torch.load(self.args.export_path))
        print("Test, " + self.describe(self.evaluate(self.test_loader)))

    def describe(self, metrics):
        return ", ".join("%s %.4f" % (name, metrics[name]) for name in sorted(metrics))


class BERTTrainer(AbstractTrainer):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.ce = nn.CrossEntropyLoss(ignore_index=0)

    def calculate_loss(self, batch):
        tokens, labels = batch
        logits = self.model(tokens)  # B x T x V
        return self.ce(logits.view(-1, logits.size(-1)), labels.view(-1))

    def calculate_metrics(self, batch):
        tokens, candidates, labels = batch
        scores = self.model(tokens)[:, -1, :].gather(1, candidates)  # B x C
        return recalls_and_ndcgs_for_ks(scores, labels, self.args.metric_ks)

import torch.nn as nn

from .base import AbstractTrainer


class BERTTrainer(AbstractTrainer):
    def __init__(self, args, model, train_loader):
        super().__init__(args, model, train_loader)
        self.ce = nn.CrossEntropyLoss(ignore_index=0)

    @classmethod
    def code(cls):
        return "bert"

    def calculate_loss(self, batch):
        seqs, labels = batch
        logits = self.model(seqs)  # B x T x V

        logits = logits.view(-1, logits.size(-1))  # (B*T) x V
        labels = labels.view(-1)  # B*T
        loss = self.ce(logits, labels)
        return loss

import torch
from torch import nn
from torch.nn import functional as F


class GRU4REC(nn.Module):
    def __init__(self, n_items, hidden_size, num_layers=1, embedding_dim=32, dropout_input=0.1, sigma=0.1):
        super().__init__()
        self.n_items = n_items
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.look_up = nn.Embedding(n_items, embedding_dim)
        self.dropout = nn.Dropout(dropout_input)
        self.gru = nn.GRU(embedding_dim, hidden_size, num_layers)
        self.h2o = nn.Linear(hidden_size, n_items)
        self.init_model(sigma)

    def init_model(self, sigma):
        for p in self.parameters():
            p.data.uniform_(-sigma, sigma)

    def init_hidden(self, batch_size):
        return torch.zeros(self.num_layers, batch_size, self.hidden_size, device=self.h2o.weight.device)

    def forward(self, input, hidden):
        """items (B,), hidden (layers, B, H) -> (B, H), hidden"""
        embedded = self.dropout(self.look_up(input)).unsqueeze(0)
        output, hidden = self.gru(embedded, hidden)
        return output.squeeze(0), hidden

    def logits(self, output, items=None):
        """of all items, or of some: (B, len(items))"""
        if items is None:
            return self.h2o(output)
        return F.linear(output, self.h2o.weight[items], self.h2o.bias[items])


class LossFunction(nn.Module):
    """logit: B x N, where the target of row i is column i and the other columns are samples. same: B x N, the columns of the row's target, which are no samples"""

    def __init__(self, loss_type="BPR-max", bpr_reg=0.5):
        super().__init__()
        self.bpr_reg = bpr_reg
        self.loss = {"BPR-max": self.bpr_max, "TOP1-max": self.top1_max}[loss_type]

    def forward(self, logit, same):
        weights = F.softmax(logit.masked_fill(same, -1e9), dim=1)
        return self.loss(logit, weights)

    def bpr_max(self, logit, weights):
        diff = logit.diag().view(-1, 1) - logit
        loss = -torch.log((weights * torch.sigmoid(diff)).sum(1) + 1e-12)
        return (loss + self.bpr_reg * (weights * logit ** 2).sum(1)).mean()

    def top1_max(self, logit, weights):
        diff = logit - logit.diag().view(-1, 1)
        return (weights * (torch.sigmoid(diff) + torch.sigmoid(logit ** 2))).sum(1).mean()

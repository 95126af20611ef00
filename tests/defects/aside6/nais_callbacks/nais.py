import torch
import torch.nn as nn
import torch.nn.functional as F


class NAIS(nn.Module):
  """Neural attentive item similarity (He et al., TKDE 2018), with a bias by the age of an event.

  An item's score is the sum over the history of its similarity to each event, weighted by an attention that the item
  and the event decide together.
  """

  def __init__(self, num_items, conf):
    super(NAIS, self).__init__()
    self.beta = conf.beta
    self.target = nn.Embedding(num_items + 1, conf.embed_size, padding_idx=0)
    self.source = nn.Embedding(num_items + 1, conf.embed_size, padding_idx=0)
    self.bias = nn.Embedding(num_items + 1, 1, padding_idx=0)
    self.age = nn.Parameter(torch.zeros(conf.max_len))
    self.hidden = nn.Linear(conf.embed_size, conf.attention_size)
    self.project = nn.Linear(conf.attention_size, 1, bias=False)
    self.dropout = nn.Dropout(conf.dropout)
    self.init_std = conf.init_std
    self.reset_parameters()

  def reset_parameters(self):
    for table in (self.target, self.source):
      nn.init.normal_(table.weight, std=self.init_std)
      with torch.no_grad():
        table.weight[0].zero_()
    nn.init.zeros_(self.bias.weight)
    nn.init.xavier_uniform_(self.hidden.weight)
    nn.init.xavier_uniform_(self.project.weight)

  def attention(self, product, mask):
    """product: [B, N, L, D], mask: [B, L]. Returns weights [B, N, L]."""
    logits = self.project(F.relu(self.hidden(product))).squeeze(-1)  # [B, N, L]
    logits = logits + self.age
    logits = logits.masked_fill(~mask.unsqueeze(1), -1e9)
    # exp(x) / sum(exp) ^ beta, with the maximum taken out of both
    top = logits.max(dim=-1, keepdim=True)[0]
    exp = torch.exp(logits - top) * mask.unsqueeze(1)
    total = exp.sum(dim=-1, keepdim=True).clamp(min=1e-8)
    return exp / total.pow(self.beta)

  def forward(self, history, items):
    """history: [B, L], items: [B, N] or [1, N]. Returns logits [B, N]."""
    p = self.dropout(self.target(items))  # [B, N, D]
    q = self.dropout(self.source(history))  # [B, L, D]
    product = p.unsqueeze(2) * q.unsqueeze(1)  # [B, N, L, D]
    weights = self.attention(product, history > 0)
    return (weights * product.sum(dim=-1)).sum(dim=-1) + self.bias(items).squeeze(-1)

  def regularization(self, history, items):
    return self.source(history).pow(2).sum() + self.target(items).pow(2).sum()

  @torch.no_grad()
  def predict(self, history, batch_size=64):
    """history: [B, L]. Returns [B, num_items + 1]."""
    self.eval()
    everything = torch.arange(self.target.num_embeddings, device=history.device).unsqueeze(0)
    return torch.cat([self(part, everything) for part in history.split(batch_size)])

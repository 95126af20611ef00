import math

import torch
from torch import nn


class ItemEmbeddings(nn.Module):
    def __init__(self, config, categories):
        super().__init__()
        self.word_embeddings = nn.Embedding(config.num_items + 2, config.hidden_size, padding_idx=0)
        self.position_embeddings = nn.Embedding(config.max_position, config.hidden_size)
        self.register_buffer("categories", categories)
        self.category_projection = nn.Linear(categories.size(1), config.hidden_size, bias=False)
        self.LayerNorm = nn.LayerNorm(config.hidden_size)
        self.dropout = nn.Dropout(config.dropout)

    def table(self):
        return self.word_embeddings.weight + self.category_projection(self.categories)

    def forward(self, input_ids):
        distance = torch.arange(input_ids.size(1) - 1, -1, -1, device=input_ids.device)
        items = self.word_embeddings(input_ids) + self.category_projection(self.categories[input_ids])
        return self.dropout(self.LayerNorm(items + self.position_embeddings(distance)))


class SelfAttention(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.num_heads = config.num_heads
        self.head_size = config.hidden_size // config.num_heads
        self.query = nn.Linear(config.hidden_size, config.hidden_size)
        self.key = nn.Linear(config.hidden_size, config.hidden_size)
        self.value = nn.Linear(config.hidden_size, config.hidden_size)
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.dropout = nn.Dropout(config.dropout)

    def transpose_for_scores(self, x):
        return x.view(x.size(0), x.size(1), self.num_heads, self.head_size).permute(0, 2, 1, 3)

    def forward(self, hidden, extended_mask):
        q = self.transpose_for_scores(self.query(hidden))
        k = self.transpose_for_scores(self.key(hidden))
        v = self.transpose_for_scores(self.value(hidden))
        scores = torch.matmul(q, k.transpose(-1, -2)) / math.sqrt(self.head_size)
        scores = scores + extended_mask
        probs = self.dropout(nn.functional.softmax(scores, dim=-1))
        context = torch.matmul(probs, v).permute(0, 2, 1, 3).contiguous()
        return self.dense(context.view(hidden.shape))


class EncoderLayer(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.attention = SelfAttention(config)
        self.attention_norm = nn.LayerNorm(config.hidden_size)
        self.intermediate = nn.Linear(config.hidden_size, 2 * config.hidden_size)
        self.output = nn.Linear(2 * config.hidden_size, config.hidden_size)
        self.output_norm = nn.LayerNorm(config.hidden_size)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, hidden, extended_mask):
        hidden = self.attention_norm(hidden + self.dropout(self.attention(hidden, extended_mask)))
        inner = nn.functional.gelu(self.intermediate(hidden))
        return self.output_norm(hidden + self.dropout(self.output(inner)))


class MaskedItemModel(nn.Module):
    def __init__(self, config, categories):
        super().__init__()
        self.config = config
        self.embeddings = ItemEmbeddings(config, categories)
        self.layer = nn.ModuleList([EncoderLayer(config) for _ in range(config.num_layers)])
        self.transform = nn.Linear(config.hidden_size, config.hidden_size)
        self.transform_norm = nn.LayerNorm(config.hidden_size)
        self.bias = nn.Parameter(torch.zeros(config.num_items + 2))
        self.apply(self._init_weights)

    def _init_weights(self, module):
        if isinstance(module, (nn.Linear, nn.Embedding)):
            module.weight.data.normal_(mean=0.0, std=self.config.initializer_range)
        if isinstance(module, nn.Embedding) and module.padding_idx is not None:
            module.weight.data[module.padding_idx].zero_()
        if isinstance(module, nn.Linear) and module.bias is not None:
            module.bias.data.zero_()

    def encode(self, input_ids, attention_mask):
        extended_mask = (1.0 - attention_mask[:, None, None, :].float()) * -1e9
        hidden = self.embeddings(input_ids)
        for layer in self.layer:
            hidden = layer(hidden, extended_mask)
        return self.transform_norm(nn.functional.gelu(self.transform(hidden)))

    def decode(self, hidden):
        return hidden @ self.embeddings.table().t() + self.bias

    def forward(self, input_ids, attention_mask, labels=None):
        hidden = self.encode(input_ids, attention_mask)
        if labels is None:
            return {"logits": self.decode(hidden[:, -1])}
        chosen = labels != -100
        logits = self.decode(hidden[chosen])
        return {"loss": nn.functional.cross_entropy(logits, labels[chosen]), "logits": logits}

import torch
from modules import Encoder, ItemEncoder
from torch import nn


class SASRecModel(nn.Module):
    def __init__(self, args, n_items, item_category, n_categories):
        super().__init__()
        self.args = args
        self.items = ItemEncoder(args, n_items, item_category, n_categories)
        self.position_embeddings = nn.Embedding(args.max_seq_length, args.hidden_size)
        self.dropout = nn.Dropout(args.hidden_dropout_prob)
        self.encoder = Encoder(args)
        self.apply(self.init_weights)

    def init_weights(self, module):
        if isinstance(module, (nn.Linear, nn.Embedding)):
            module.weight.data.normal_(mean=0.0, std=self.args.initializer_range)
        elif isinstance(module, nn.LayerNorm):
            module.bias.data.zero_()
            module.weight.data.fill_(1.0)
        if isinstance(module, nn.Linear) and module.bias is not None:
            module.bias.data.zero_()
        if isinstance(module, nn.Embedding) and module.padding_idx is not None:
            module.weight.data[module.padding_idx].zero_()

    def extended_mask(self, input_ids):
        """(B * heads, T, T) additive: a position sees itself and the real events before it."""
        length = input_ids.size(1)
        causal = torch.tril(torch.ones(length, length, dtype=torch.bool, device=input_ids.device))
        real = (input_ids > 0).unsqueeze(1)
        itself = torch.eye(length, dtype=torch.bool, device=input_ids.device)
        allowed = (causal & real) | itself
        mask = torch.zeros(allowed.shape, device=input_ids.device)
        mask = mask.masked_fill(~allowed, -10000.0)
        return mask.repeat_interleave(self.args.num_attention_heads, dim=0)

    def add_position_embedding(self, input_ids):
        length = input_ids.size(1)
        first = self.args.max_seq_length - length
        position_ids = torch.arange(first, first + length, device=input_ids.device)
        return self.items(input_ids) + self.position_embeddings(position_ids)

    def forward(self, input_ids):
        """(B, T) -> (B, T, d)"""
        x = self.dropout(self.add_position_embedding(input_ids))
        return self.encoder(x, self.extended_mask(input_ids))

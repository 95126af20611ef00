import torch
from torch import nn


class GRU4REC(nn.Module):
    def __init__(self, n_items, args):
        super().__init__()
        self.hidden_size = args.hidden_size
        self.num_layers = args.num_layers
        self.emb = nn.Embedding(n_items + 1, args.hidden_size, padding_idx=0)
        self.in_drop = nn.Dropout(args.dropout_input)
        self.gru = nn.GRU(args.hidden_size, args.hidden_size, args.num_layers)
        self.out_drop = nn.Dropout(args.dropout_hidden)
        self.h2o = nn.Embedding(n_items + 1, args.hidden_size)
        self.b_o = nn.Embedding(n_items + 1, 1)
        self.final_activation = self.create_final_activation(args.final_act)
        nn.init.xavier_uniform_(self.emb.weight.data)
        nn.init.xavier_uniform_(self.h2o.weight.data)
        nn.init.zeros_(self.b_o.weight.data)

    def create_final_activation(self, final_act):
        if final_act == "tanh":
            return nn.Tanh()
        if final_act == "relu":
            return nn.ReLU()
        if final_act == "sigmoid":
            return nn.Sigmoid()
        return nn.Identity()

    def forward(self, input, hidden):
        """input (B,) or (T, B); hidden (layers, B, H)."""
        if input.dim() == 1:
            input = input.unsqueeze(0)
        embedded = self.in_drop(self.emb(input))
        output, hidden = self.gru(embedded, hidden)
        return self.out_drop(output), hidden

    def scores_of(self, output, items):
        """output (N, H), items (M,) -> (N, M)."""
        logit = output @ self.h2o(items).t() + self.b_o(items).squeeze(-1)
        return self.final_activation(logit)

    def all_scores(self, output):
        return self.final_activation(output @ self.h2o.weight.t() + self.b_o.weight.squeeze(-1))

    def init_hidden(self, batch_size):
        return torch.zeros(self.num_layers, batch_size, self.hidden_size)

import math

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn import Module, Parameter


class GNN(Module):
    """Gated graph cell of Li et al. 2016 with separate incoming and outgoing edges."""

    def __init__(self, hidden_size, step=1):
        super(GNN, self).__init__()
        self.step = step
        self.hidden_size = hidden_size
        self.w_ih = Parameter(torch.empty(3 * hidden_size, 2 * hidden_size))
        self.w_hh = Parameter(torch.empty(3 * hidden_size, hidden_size))
        self.b_ih = Parameter(torch.empty(3 * hidden_size))
        self.b_hh = Parameter(torch.empty(3 * hidden_size))
        self.linear_edge_in = nn.Linear(hidden_size, hidden_size)
        self.linear_edge_out = nn.Linear(hidden_size, hidden_size)

    def cell(self, A, hidden):
        n = A.shape[1]
        input_in = torch.matmul(A[:, :, :n], self.linear_edge_in(hidden))
        input_out = torch.matmul(A[:, :, n : 2 * n], self.linear_edge_out(hidden))
        gates_i = F.linear(torch.cat([input_in, input_out], 2), self.w_ih, self.b_ih)
        gates_h = F.linear(hidden, self.w_hh, self.b_hh)
        i_r, i_z, i_n = gates_i.chunk(3, 2)
        h_r, h_z, h_n = gates_h.chunk(3, 2)
        reset = torch.sigmoid(i_r + h_r)
        update = torch.sigmoid(i_z + h_z)
        fresh = torch.tanh(i_n + reset * h_n)
        return fresh + update * (hidden - fresh)

    def forward(self, A, hidden):
        for _ in range(self.step):
            hidden = self.cell(A, hidden)
        return hidden


class SessionGraph(Module):
    def __init__(self, opt, n_node):
        super(SessionGraph, self).__init__()
        self.hidden_size = opt["hidden_size"]
        self.nonhybrid = opt["nonhybrid"]
        self.scale = opt["scale"]
        self.embedding = nn.Embedding(n_node + 1, self.hidden_size, padding_idx=0)
        self.feat_dropout = nn.Dropout(opt["dropout"])
        self.gnn = GNN(self.hidden_size, step=opt["step"])
        self.linear_one = nn.Linear(self.hidden_size, self.hidden_size)
        self.linear_two = nn.Linear(self.hidden_size, self.hidden_size)
        self.linear_three = nn.Linear(self.hidden_size, 1, bias=False)
        self.linear_transform = nn.Linear(self.hidden_size * 2, self.hidden_size)
        self.reset_parameters()

    def reset_parameters(self):
        stdv = 1.0 / math.sqrt(self.hidden_size)
        for weight in self.parameters():
            weight.data.uniform_(-stdv, stdv)
        with torch.no_grad():
            self.embedding.weight[0].zero_()

    def session_vector(self, hidden, mask):
        """hidden (B, L, d), mask (B, L) -> (B, d)"""
        rows = torch.arange(mask.shape[0], device=mask.device)
        last = (mask.sum(1) - 1).clamp(min=0)
        ht = hidden[rows, last]
        q1 = self.linear_one(ht).unsqueeze(1)
        q2 = self.linear_two(hidden)
        alpha = self.linear_three(torch.sigmoid(q1 + q2))
        a = torch.sum(alpha * hidden * mask.unsqueeze(-1).float(), 1)
        if not self.nonhybrid:
            a = self.linear_transform(torch.cat([a, ht], 1))
        return a

    def forward(self, alias, A, nodes, mask):
        hidden = self.gnn(A, self.feat_dropout(self.embedding(nodes)))
        index = alias.unsqueeze(-1).expand(-1, -1, self.hidden_size)
        seq_hidden = hidden.gather(1, index)
        return self.session_vector(seq_hidden, mask)

    def compute_scores(self, session):
        """(B, d) -> (B, n_node): column k is item k + 1"""
        b = F.normalize(self.embedding.weight[1:], dim=-1)
        return self.scale * F.normalize(session, dim=-1) @ b.T

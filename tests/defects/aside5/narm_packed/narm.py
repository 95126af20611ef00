import torch
import torch.nn as nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class NARM(nn.Module):
    """Neural Attentive Session Based Recommendation, a global encoder and a local one over the same GRU.

    Args:
        n_items(int): the number of items, ids 1 to n_items; 0 is padding
        hidden_size(int): the hidden size of gru
        embedding_dim(int): the dimension of item embedding
        n_layers(int): the number of gru layers
    """

    def __init__(self, n_items, hidden_size, embedding_dim, n_layers=1):
        super(NARM, self).__init__()
        self.n_items = n_items
        self.hidden_size = hidden_size
        self.n_layers = n_layers
        self.embedding_dim = embedding_dim
        self.emb = nn.Embedding(self.n_items + 1, self.embedding_dim, padding_idx=0)
        self.emb_dropout = nn.Dropout(0.25)
        self.gru = nn.GRU(self.embedding_dim, self.hidden_size, self.n_layers)
        self.a_1 = nn.Linear(self.hidden_size, self.hidden_size, bias=False)
        self.a_2 = nn.Linear(self.hidden_size, self.hidden_size, bias=False)
        self.v_t = nn.Linear(self.hidden_size, 1, bias=False)
        self.ct_dropout = nn.Dropout(0.4)
        self.b = nn.Linear(self.embedding_dim, 2 * self.hidden_size, bias=False)
        self.reset_parameters()

    def reset_parameters(self):
        for weight in self.parameters():
            if weight.dim() > 1:
                nn.init.xavier_uniform_(weight)
        with torch.no_grad():
            self.emb.weight[0].fill_(0)

    def forward(self, seq, lengths):
        # seq: T x B, the longest first; lengths: B, on the cpu
        embs = self.emb_dropout(self.emb(seq))
        packed = pack_padded_sequence(embs, lengths)
        gru_out, hidden = self.gru(packed)
        gru_out, _ = pad_packed_sequence(gru_out)

        # the last hidden state is the summary of the session
        ht = hidden[-1]  # B x H
        gru_out = gru_out.permute(1, 0, 2)  # B x T x H

        c_global = ht
        q1 = self.a_1(gru_out)
        q2 = self.a_2(ht).unsqueeze(1)
        mask = seq.t() > 0  # B x T
        energy = self.v_t(torch.sigmoid(q1 + q2)).squeeze(-1)
        alpha = torch.softmax(energy.masked_fill(~mask, -1e9), dim=1)
        c_local = torch.sum(alpha.unsqueeze(2) * gru_out, 1)

        c_t = torch.cat([c_local, c_global], 1)
        c_t = self.ct_dropout(c_t)

        # column j is item j + 1
        item_embs = self.emb.weight[1:]
        scores = torch.matmul(c_t, self.b(item_embs).t())
        return scores

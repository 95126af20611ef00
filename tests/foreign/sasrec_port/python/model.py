import numpy as np
import torch


class FFN(torch.nn.Module):
    def __init__(self, d, rate):
        super(FFN, self).__init__()
        self.inner = torch.nn.Conv1d(d, d, kernel_size=1)
        self.drop_a = torch.nn.Dropout(rate)
        self.outer = torch.nn.Conv1d(d, d, kernel_size=1)
        self.drop_b = torch.nn.Dropout(rate)

    def forward(self, x):
        # Conv1d wants (batch, channels, time)
        y = torch.relu(self.drop_a(self.inner(x.transpose(1, 2))))
        y = self.drop_b(self.outer(y)).transpose(1, 2)
        return x + y


class SelfAttRec(torch.nn.Module):
    def __init__(self, user_num, item_num, args):
        super(SelfAttRec, self).__init__()
        d = args.hidden_units
        self.user_num = user_num
        self.item_num = item_num
        self.dev = args.device
        self.item_emb = torch.nn.Embedding(item_num + 1, d, padding_idx=0)
        self.pos_emb = torch.nn.Embedding(args.maxlen + 1, d, padding_idx=0)
        self.emb_dropout = torch.nn.Dropout(args.dropout_rate)
        self.att_norms = torch.nn.ModuleList()
        self.atts = torch.nn.ModuleList()
        self.ffn_norms = torch.nn.ModuleList()
        self.ffns = torch.nn.ModuleList()
        for _ in range(args.num_blocks):
            self.att_norms.append(torch.nn.LayerNorm(d, eps=1e-8))
            self.atts.append(torch.nn.MultiheadAttention(d, args.num_heads, args.dropout_rate))
            self.ffn_norms.append(torch.nn.LayerNorm(d, eps=1e-8))
            self.ffns.append(FFN(d, args.dropout_rate))
        self.last_norm = torch.nn.LayerNorm(d, eps=1e-8)

    def feats(self, seqs):
        T = seqs.shape[1]
        x = self.item_emb(torch.LongTensor(seqs).to(self.dev))
        x *= self.item_emb.embedding_dim**0.5
        places = np.arange(1, T + 1) * (seqs != 0)
        x += self.pos_emb(torch.LongTensor(places).to(self.dev))
        x = self.emb_dropout(x)
        ahead = torch.ones((T, T), dtype=torch.bool, device=self.dev).triu(1)
        x = x.transpose(0, 1)  # attention wants time first
        for norm, att, ffn_norm, ffn in zip(self.att_norms, self.atts, self.ffn_norms, self.ffns):
            q = norm(x)
            y, _ = att(q, x, x, attn_mask=ahead)
            x = ffn_norm(q + y)
            x = ffn(x.transpose(0, 1)).transpose(0, 1)
        return self.last_norm(x.transpose(0, 1))

    def forward(self, users, seqs, pos, neg):
        # users is not used
        h = self.feats(seqs)
        p = self.item_emb(torch.LongTensor(pos).to(self.dev))
        n = self.item_emb(torch.LongTensor(neg).to(self.dev))
        return (h * p).sum(dim=-1), (h * n).sum(dim=-1)

    def predict(self, users, seqs, items):
        h = self.feats(seqs)[:, -1, :]
        e = self.item_emb(torch.LongTensor(items).to(self.dev))
        return e.matmul(h.unsqueeze(-1)).squeeze(-1)  # (users, items)

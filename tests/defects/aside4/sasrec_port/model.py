import numpy as np
import torch


class PointWiseFeedForward(torch.nn.Module):
    def __init__(self, hidden_units, dropout_rate):
        super(PointWiseFeedForward, self).__init__()
        self.conv1 = torch.nn.Conv1d(hidden_units, hidden_units, kernel_size=1)
        self.dropout1 = torch.nn.Dropout(p=dropout_rate)
        self.relu = torch.nn.ReLU()
        self.conv2 = torch.nn.Conv1d(hidden_units, hidden_units, kernel_size=1)
        self.dropout2 = torch.nn.Dropout(p=dropout_rate)

    def forward(self, inputs):
        x = inputs.transpose(-1, -2)  # Conv1D wants (N, C, Length)
        x = self.dropout1(self.conv1(x))
        x = self.relu(x)
        x = self.dropout2(self.conv2(x))
        return x.transpose(-1, -2)


class SASRec(torch.nn.Module):
    def __init__(self, item_num, args):
        super(SASRec, self).__init__()
        self.item_num = item_num
        self.maxlen = args.maxlen
        self.dev = args.device

        self.item_emb = torch.nn.Embedding(self.item_num + 1, args.hidden_units, padding_idx=0)
        self.pos_emb = torch.nn.Embedding(args.maxlen + 1, args.hidden_units, padding_idx=0)
        self.emb_dropout = torch.nn.Dropout(p=args.dropout_rate)

        self.attention_layernorms = torch.nn.ModuleList()
        self.attention_layers = torch.nn.ModuleList()
        self.forward_layernorms = torch.nn.ModuleList()
        self.forward_layers = torch.nn.ModuleList()
        self.last_layernorm = torch.nn.LayerNorm(args.hidden_units, eps=1e-8)

        for _ in range(args.num_blocks):
            self.attention_layernorms.append(torch.nn.LayerNorm(args.hidden_units, eps=1e-8))
            self.attention_layers.append(
                torch.nn.MultiheadAttention(
                    args.hidden_units, args.num_heads, dropout=args.dropout_rate, batch_first=True
                )
            )
            self.forward_layernorms.append(torch.nn.LayerNorm(args.hidden_units, eps=1e-8))
            self.forward_layers.append(PointWiseFeedForward(args.hidden_units, args.dropout_rate))

        for name, param in self.named_parameters():
            if param.dim() > 1:
                torch.nn.init.xavier_normal_(param.data)
        self.item_emb.weight.data[0, :] = 0
        self.pos_emb.weight.data[0, :] = 0

    def log2feats(self, log_seqs):
        log_seqs = torch.as_tensor(log_seqs, dtype=torch.long, device=self.dev)
        seqs = self.item_emb(log_seqs)
        seqs = seqs * self.item_emb.embedding_dim**0.5

        # positions count back from the newest event
        poss = torch.arange(log_seqs.shape[1], 0, -1, device=self.dev).expand_as(log_seqs)
        poss = poss * (log_seqs != 0)
        seqs = seqs + self.pos_emb(poss)
        seqs = self.emb_dropout(seqs)

        timeline_mask = log_seqs == 0
        seqs = seqs * ~timeline_mask.unsqueeze(-1)

        tl = seqs.shape[1]
        attention_mask = ~torch.tril(torch.ones((tl, tl), dtype=torch.bool, device=self.dev))
        blocked = attention_mask.unsqueeze(0) | timeline_mask.unsqueeze(1)
        blocked = blocked & ~torch.eye(tl, dtype=torch.bool, device=self.dev)

        for i in range(len(self.attention_layers)):
            heads = self.attention_layers[i].num_heads
            Q = self.attention_layernorms[i](seqs)
            mha_outputs, _ = self.attention_layers[i](
                Q, Q, Q, attn_mask=blocked.repeat_interleave(heads, dim=0), need_weights=False
            )
            seqs = seqs + mha_outputs

            seqs = seqs + self.forward_layers[i](self.forward_layernorms[i](seqs))
            seqs = seqs * ~timeline_mask.unsqueeze(-1)

        return self.last_layernorm(seqs)

    def forward(self, log_seqs, pos_seqs, neg_seqs):
        log_feats = self.log2feats(log_seqs)

        pos_embs = self.item_emb(torch.as_tensor(pos_seqs, dtype=torch.long, device=self.dev))
        neg_embs = self.item_emb(torch.as_tensor(neg_seqs, dtype=torch.long, device=self.dev))

        pos_logits = (log_feats * pos_embs).sum(dim=-1)
        neg_logits = (log_feats.unsqueeze(2) * neg_embs).sum(dim=-1)
        return pos_logits, neg_logits

    def predict(self, log_seqs, item_indices):
        log_feats = self.log2feats(log_seqs)
        final_feat = log_feats[:, -1, :]
        item_embs = self.item_emb(torch.as_tensor(np.asarray(item_indices), device=self.dev))
        return final_feat.matmul(item_embs.transpose(0, 1))

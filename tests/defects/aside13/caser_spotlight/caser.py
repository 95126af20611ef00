import torch
import torch.nn as nn
import torch.nn.functional as F


class Caser(nn.Module):
    """
    Convolutional sequence embedding: filters over the last L items ("image" of L x d), joined with the user's vector.
    """

    def __init__(self, num_users, num_items, args):
        super(Caser, self).__init__()
        L, dims = args.L, args.d
        self.n_h, self.n_v = args.nh, args.nv

        self.user_embeddings = nn.Embedding(num_users, dims)
        self.item_embeddings = nn.Embedding(num_items, dims, padding_idx=0)

        self.conv_v = nn.Conv2d(1, self.n_v, (L, 1))
        self.conv_h = nn.ModuleList([nn.Conv2d(1, self.n_h, (i + 1, dims)) for i in range(L)])
        self.fc1 = nn.Linear(self.n_v * dims + self.n_h * L, dims)

        self.W2 = nn.Embedding(num_items, 2 * dims, padding_idx=0)
        self.b2 = nn.Embedding(num_items, 1, padding_idx=0)
        self.dropout = nn.Dropout(args.drop)

        self.user_embeddings.weight.data.normal_(0, 1.0 / dims)
        self.item_embeddings.weight.data[1:].normal_(0, 1.0 / dims)
        self.W2.weight.data[1:].normal_(0, 1.0 / (2 * dims))
        self.b2.weight.data.zero_()

    def encode(self, seq_var, user_var):
        """(B, L), (B,) -> (B, 2d)"""
        image = self.item_embeddings(seq_var).unsqueeze(1)  # (B, 1, L, d)
        out_v = self.conv_v(image).view(len(seq_var), -1)  # (B, n_v * d)
        out_hs = []
        for conv in self.conv_h:
            conv_out = F.relu(conv(image).squeeze(3))  # (B, n_h, L - i)
            out_hs.append(conv_out.max(dim=2).values)
        out = self.dropout(torch.cat([out_v] + out_hs, dim=1))
        z = F.relu(self.fc1(out))
        return torch.cat([z, self.dropout(self.user_embeddings(user_var))], dim=1)

    def forward(self, seq_var, user_var, item_var):
        """item_var (B, n) -> scores (B, n)"""
        x = self.encode(seq_var, user_var)
        w2 = self.W2(item_var)
        b2 = self.b2(item_var).squeeze(2)
        return torch.bmm(w2, x.unsqueeze(2)).squeeze(2) + b2

    def score_all(self, seq_var, user_var):
        """(B, num_items)"""
        x = self.encode(seq_var, user_var)
        return x @ self.W2.weight.t() + self.b2.weight.squeeze(1)

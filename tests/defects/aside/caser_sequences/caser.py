import torch
import torch.nn as nn
import torch.nn.functional as F

from utils import activation_getter


class Caser(nn.Module):
    """
    Convolutional Sequence Embedding Recommendation Model (Caser), WSDM '18.

    Parameters
    ----------
    num_users, num_items: sizes without the padding row
    model_args: argparse.Namespace with L, d, nv, nh, drop, ac_conv, ac_fc
    """

    def __init__(self, num_users, num_items, model_args):
        super(Caser, self).__init__()
        self.args = model_args

        # init args
        L = self.args.L
        dims = self.args.d
        self.n_h = self.args.nh
        self.n_v = self.args.nv
        self.drop_ratio = self.args.drop
        self.ac_conv = activation_getter[self.args.ac_conv]
        self.ac_fc = activation_getter[self.args.ac_fc]

        # user and item embeddings
        self.user_embeddings = nn.Embedding(num_users + 1, dims)
        self.item_embeddings = nn.Embedding(num_items + 1, dims, padding_idx=0)

        # vertical conv layer
        self.conv_v = nn.Conv2d(1, self.n_v, (L, 1))

        # horizontal conv layers
        lengths = [i + 1 for i in range(L)]
        self.conv_h = nn.ModuleList([nn.Conv2d(1, self.n_h, (i, dims)) for i in lengths])

        # fully-connected layer
        self.fc1_dim_v = self.n_v * dims
        self.fc1_dim_h = self.n_h * len(lengths)
        self.fc1 = nn.Linear(self.fc1_dim_v + self.fc1_dim_h, dims)

        # W2, b2 are encoded with nn.Embedding, as we don't need to compute scores for all items
        self.W2 = nn.Embedding(num_items + 1, dims + dims)
        self.b2 = nn.Embedding(num_items + 1, 1)

        self.dropout = nn.Dropout(self.drop_ratio)

        # weight initialization
        self.user_embeddings.weight.data.normal_(0, 1.0 / dims)
        self.item_embeddings.weight.data[1:].normal_(0, 4.0 / dims)
        self.W2.weight.data.normal_(0, 1.0 / (dims + dims))
        self.b2.weight.data.zero_()

    def user_state(self, seq_var, user_var):
        """(B, L) items, (B,) users -> (B, 2 d)"""
        item_embs = self.item_embeddings(seq_var).unsqueeze(1)  # (B, 1, L, d)
        user_emb = self.user_embeddings(user_var)

        out_v = self.conv_v(item_embs)
        out_v = out_v.view(-1, self.fc1_dim_v)

        out_hs = list()
        for conv in self.conv_h:
            conv_out = self.ac_conv(conv(item_embs).squeeze(3))
            pool_out = F.max_pool1d(conv_out, conv_out.size(2)).squeeze(2)
            out_hs.append(pool_out)
        out_h = torch.cat(out_hs, 1)

        out = torch.cat([out_v, out_h], 1)
        out = self.dropout(out)
        z = self.ac_fc(self.fc1(out))
        z = z + item_embs[:, 0, -1]
        return torch.cat([z, user_emb], 1)

    def forward(self, seq_var, user_var, item_var, for_pred=False):
        x = self.user_state(seq_var, user_var)
        w2 = self.W2(item_var)
        b2 = self.b2(item_var)

        if for_pred:
            w2 = w2.squeeze()
            b2 = b2.squeeze()
            res = x @ w2.t() + b2
        else:
            res = torch.baddbmm(b2, w2, x.unsqueeze(2)).squeeze(2)
        return res

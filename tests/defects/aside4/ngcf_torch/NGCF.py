import torch
import torch.nn as nn
import torch.nn.functional as F

import config


class NGCF(nn.Module):
    def __init__(self, n_users, n_items, norm_adj, device):
        super().__init__()
        self.n_users, self.n_items = n_users, n_items
        self.device = device
        self.layers = config.LAYER_SIZES
        self.decay = config.DECAY
        self.node_dropout = config.NODE_DROPOUT
        self.embedding_dict, self.weight_dict = self.init_weight()
        self.register_buffer('sparse_norm_adj', self.to_sparse(norm_adj), persistent=False)

    def init_weight(self):
        initializer = nn.init.xavier_uniform_
        embedding_dict = nn.ParameterDict({
            'user_emb': nn.Parameter(initializer(torch.empty(self.n_users, config.EMBED_SIZE))),
            'item_emb': nn.Parameter(initializer(torch.empty(self.n_items, config.EMBED_SIZE))),
        })
        weight_dict = nn.ParameterDict()
        sizes = [config.EMBED_SIZE] + self.layers
        for k in range(len(self.layers)):
            weight_dict['W_gc_%d' % k] = nn.Parameter(initializer(torch.empty(sizes[k], sizes[k + 1])))
            weight_dict['b_gc_%d' % k] = nn.Parameter(torch.zeros(1, sizes[k + 1]))
            weight_dict['W_bi_%d' % k] = nn.Parameter(initializer(torch.empty(sizes[k], sizes[k + 1])))
            weight_dict['b_bi_%d' % k] = nn.Parameter(torch.zeros(1, sizes[k + 1]))
        return embedding_dict, weight_dict

    @staticmethod
    def to_sparse(X):
        i = torch.tensor([X.row.tolist(), X.col.tolist()], dtype=torch.long)
        v = torch.tensor(X.data, dtype=torch.float)
        return torch.sparse_coo_tensor(i, v, X.shape).coalesce()

    def sparse_dropout(self, x, rate):
        keep = torch.rand(x.values().numel(), device=x.device) >= rate
        i, v = x.indices()[:, keep], x.values()[keep]
        return torch.sparse_coo_tensor(i, v / (1.0 - rate), x.shape)

    def propagate(self):
        A_hat = self.sparse_norm_adj
        if self.training and self.node_dropout > 0:
            A_hat = self.sparse_dropout(A_hat, self.node_dropout)

        ego = torch.cat([self.embedding_dict['user_emb'], self.embedding_dict['item_emb']], 0)
        all_embeddings = [ego]
        for k in range(len(self.layers)):
            side = torch.sparse.mm(A_hat, ego)
            sum_embeddings = (side + ego) @ self.weight_dict['W_gc_%d' % k] + self.weight_dict['b_gc_%d' % k]
            bi_embeddings = (ego * side) @ self.weight_dict['W_bi_%d' % k] + self.weight_dict['b_bi_%d' % k]
            ego = F.leaky_relu(sum_embeddings + bi_embeddings, negative_slope=0.2)
            ego = F.dropout(ego, p=config.MESS_DROPOUT[k], training=self.training)
            all_embeddings.append(F.normalize(ego, p=2, dim=1))

        all_embeddings = torch.cat(all_embeddings, 1)
        return torch.split(all_embeddings, [self.n_users, self.n_items])

    def forward(self, users, pos_items, neg_items):
        u_g, i_g = self.propagate()
        return u_g[users], i_g[pos_items], i_g[neg_items]

    def create_bpr_loss(self, users, pos_items, neg_items):
        pos_scores = torch.sum(users * pos_items, dim=1)
        neg_scores = torch.sum(users * neg_items, dim=1)
        mf_loss = -F.logsigmoid(pos_scores - neg_scores).mean()
        regularizer = (users.pow(2).sum() + pos_items.pow(2).sum() + neg_items.pow(2).sum()) / 2
        emb_loss = self.decay * regularizer / len(users)
        return mf_loss + emb_loss, mf_loss, emb_loss

    def rating(self, users):
        u_g, i_g = self.propagate()
        return u_g[users] @ i_g.t()

import torch
from boxrec.model import SequentialRecommender
from torch import nn
from torch.nn.init import xavier_normal_, xavier_uniform_


class AttnGRU(SequentialRecommender):
    r"""The newest state of a GRU attends to its states before."""

    def __init__(self, config, dataset):
        super(AttnGRU, self).__init__(config, dataset)
        self.embedding_size = config["embedding_size"]
        self.hidden_size = config["hidden_size"]
        self.item_embedding = nn.Embedding(self.n_items, self.embedding_size, padding_idx=0)
        self.segments = dataset.get_user_feature("segment")
        self.segment_embedding = nn.Embedding(dataset.num("segment"), self.embedding_size, padding_idx=0)
        self.emb_dropout = nn.Dropout(config["dropout_prob"])
        self.gru = nn.GRU(self.embedding_size, self.hidden_size, bias=False, batch_first=True)
        self.query = nn.Linear(self.hidden_size, self.hidden_size, bias=False)
        self.dense = nn.Linear(2 * self.hidden_size, self.embedding_size)
        self.loss_fct = nn.CrossEntropyLoss()
        self.apply(self._init_weights)

    def _init_weights(self, module):
        if isinstance(module, nn.Embedding):
            xavier_normal_(module.weight)
            with torch.no_grad():
                module.weight[0].fill_(0)
        elif isinstance(module, nn.GRU):
            xavier_uniform_(module.weight_hh_l0)
            xavier_uniform_(module.weight_ih_l0)

    def forward(self, item_seq, item_seq_len, user):
        states, _ = self.gru(self.emb_dropout(self.item_embedding(item_seq)))
        newest = self.gather_indexes(states, item_seq_len - 1)
        match = torch.einsum("bd,btd->bt", self.query(newest), states)
        match = match.masked_fill(item_seq == 0, -1e9)
        context = torch.einsum("bt,btd->bd", match.softmax(dim=-1), states)
        output = self.dense(torch.cat([newest, context], dim=-1))
        return output + self.segment_embedding(self.segments.to(user.device)[user])

    def calculate_loss(self, interaction):
        seq_output = self.forward(
            interaction[self.ITEM_SEQ], interaction[self.ITEM_SEQ_LEN], interaction[self.USER_ID]
        )
        pos_items = interaction[self.POS_ITEM_ID]
        logits = torch.matmul(seq_output, self.item_embedding.weight.transpose(0, 1))
        return self.loss_fct(logits, pos_items)

    def predict(self, interaction):
        seq_output = self.forward(
            interaction[self.ITEM_SEQ], interaction[self.ITEM_SEQ_LEN], interaction[self.USER_ID]
        )
        return torch.mul(seq_output, self.item_embedding(interaction[self.ITEM_ID])).sum(dim=1)

    def full_sort_predict(self, interaction):
        seq_output = self.forward(
            interaction[self.ITEM_SEQ], interaction[self.ITEM_SEQ_LEN], interaction[self.USER_ID]
        )
        return torch.matmul(seq_output, self.item_embedding.weight.transpose(0, 1))  # (B, n_items)

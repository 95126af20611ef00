import numpy as np
from torch import nn


class AbstractRecommender(nn.Module):
    def calculate_loss(self, interaction):
        r"""the training loss of a batch"""
        raise NotImplementedError

    def predict(self, interaction):
        r"""scores of (user, item) pairs, (B,)"""
        raise NotImplementedError

    def full_sort_predict(self, interaction):
        r"""scores of all items for each user"""
        raise NotImplementedError

    def __str__(self):
        params = sum(np.prod(p.size()) for p in self.parameters() if p.requires_grad)
        return super().__str__() + f"\nTrainable parameters: {params}"


class SequentialRecommender(AbstractRecommender):
    def __init__(self, config, dataset):
        super(SequentialRecommender, self).__init__()
        self.USER_ID = config["USER_ID_FIELD"]
        self.ITEM_ID = config["ITEM_ID_FIELD"]
        self.ITEM_SEQ = self.ITEM_ID + config["LIST_SUFFIX"]
        self.ITEM_SEQ_LEN = "item_length"
        self.POS_ITEM_ID = self.ITEM_ID
        self.max_seq_length = config["MAX_ITEM_LIST_LENGTH"]
        self.n_items = dataset.num(self.ITEM_ID)
        self.device = config["device"]

    def gather_indexes(self, output, gather_index):
        """(B, T, d) at a place of each row -> (B, d)"""
        gather_index = gather_index.view(-1, 1, 1).expand(-1, -1, output.shape[-1])
        return output.gather(dim=1, index=gather_index).squeeze(1)

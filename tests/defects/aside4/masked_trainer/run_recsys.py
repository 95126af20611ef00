import numpy as np
import torch

from configuration import ModelConfig, TrainingArguments
from data_collator import DataCollatorForMaskedItems
from dataset import SequenceDataset, category_features
from modeling import MaskedItemModel
from trainer import Trainer


class MaskedItemRecommender:
    def __init__(self, data, device, args):
        self.device = device
        categories = category_features(data.item_columns, data.n_items)
        self.config = ModelConfig(num_items=data.n_items, num_categories=categories.size(1))
        self.model = MaskedItemModel(self.config, categories).to(device)
        bounds = data.offsets
        sequences = [data.items[bounds[u]:bounds[u + 1]].tolist() for u in range(1, data.n_users + 1)]
        collator = DataCollatorForMaskedItems(
            self.config.mask_token_id,
            args.mlm_probability,
            args.last_item_probability,
            torch.Generator().manual_seed(args.seed),
        )
        dataset = SequenceDataset(sequences, self.config.max_position)
        self.trainer = Trainer(self.model, args, dataset, collator, device)

    def fit(self):
        yield from self.trainer.train()

    @torch.no_grad()
    def score(self, users, histories):
        self.model.eval()
        histories = torch.as_tensor(np.asarray(histories), device=self.device)
        histories = histories[:, -(self.config.max_position - 1):]
        mask = torch.full((len(histories), 1), self.config.mask_token_id, device=self.device)
        input_ids = torch.cat([histories, mask], dim=1)
        logits = self.model(input_ids, input_ids != 0)["logits"]
        return logits[:, :self.config.num_items + 1]

    def item_embeddings(self):
        return self.model.embeddings.table().detach()[:self.config.num_items + 1]


def build(data, *, device, seed):
    torch.manual_seed(seed)
    return MaskedItemRecommender(data, device, TrainingArguments(seed=seed))

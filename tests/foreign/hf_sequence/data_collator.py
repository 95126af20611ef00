from dataclasses import dataclass

import torch


@dataclass
class DataCollatorForItemMasking:
    """Pads on the left; masks items by chance, and in some rows the newest alone, as it is asked later."""

    pad_token_id: int
    mask_token_id: int
    max_length: int
    mlm_probability: float = 0.3
    last_probability: float = 0.3

    def __call__(self, features):
        ids = torch.full((len(features), self.max_length), self.pad_token_id)
        for row, feature in enumerate(features):
            tokens = feature["input_ids"][-self.max_length :]
            ids[row, self.max_length - len(tokens) :] = torch.tensor(tokens)
        real = ids != self.pad_token_id
        masked = (torch.rand(ids.shape) < self.mlm_probability) & real
        last_only = torch.rand(len(features)) < self.last_probability
        masked[last_only] = False
        masked[last_only | ~masked.any(1), -1] = True
        labels = ids.masked_fill(~masked, -100)
        return {
            "input_ids": ids.masked_fill(masked, self.mask_token_id),
            "attention_mask": real.long(),
            "labels": labels,
        }


def collate_for_next_item(features, pad_token_id, mask_token_id, max_length):
    """[MASK] stands where the next item would"""
    ids = torch.full((len(features), max_length), pad_token_id)
    for row, feature in enumerate(features):
        tokens = feature["input_ids"][-(max_length - 1) :] + [mask_token_id]
        ids[row, max_length - len(tokens) :] = torch.tensor(tokens)
    return {"input_ids": ids, "attention_mask": (ids != pad_token_id).long()}

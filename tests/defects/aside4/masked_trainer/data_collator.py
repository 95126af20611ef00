from dataclasses import dataclass

import torch


@dataclass
class DataCollatorForMaskedItems:
    """Pads on the left and hides items: at random, or the newest alone as at serving time."""

    mask_token_id: int
    mlm_probability: float
    last_item_probability: float
    generator: torch.Generator

    def __call__(self, examples):
        width = max(len(e) for e in examples)
        input_ids = torch.zeros(len(examples), width, dtype=torch.long)
        for row, example in enumerate(examples):
            input_ids[row, width - len(example):] = torch.tensor(example)
        attention_mask = input_ids != 0

        draw = torch.rand(input_ids.shape, generator=self.generator)
        chosen = (draw < self.mlm_probability) & attention_mask
        chosen[chosen.sum(1) == 0, -1] = True
        only_last = torch.rand(len(examples), generator=self.generator) < self.last_item_probability
        chosen[only_last] = False
        chosen[only_last, -1] = True

        labels = input_ids.masked_fill(~chosen, -100)
        input_ids = input_ids.masked_fill(chosen, self.mask_token_id)
        return {"input_ids": input_ids, "attention_mask": attention_mask, "labels": labels}

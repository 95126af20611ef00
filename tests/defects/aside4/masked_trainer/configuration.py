from dataclasses import dataclass


@dataclass
class ModelConfig:
    num_items: int
    num_categories: int = 0
    max_position: int = 51
    hidden_size: int = 48
    num_layers: int = 2
    num_heads: int = 2
    dropout: float = 0.1
    initializer_range: float = 0.1

    @property
    def mask_token_id(self) -> int:
        return self.num_items + 1


@dataclass
class TrainingArguments:
    learning_rate: float = 4e-3
    weight_decay: float = 0.01
    batch_size: int = 96
    mlm_probability: float = 0.25
    last_item_probability: float = 0.5
    max_grad_norm: float = 5.0
    warmup_steps: int = 20
    num_train_epochs: int = 5
    seed: int = 0

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass
class ModelSettings:
    id_dim: int
    side_dim: int
    attention_hidden: list
    tower_hidden: list
    dropout: float
    history_len: int


@dataclass
class TrainSettings:
    batch_size: int
    num_negatives: int
    learning_rate: float
    weight_decay: float
    warmup_steps: int
    max_grad_norm: float


@dataclass
class ValidSettings:
    user_stride: int
    num_candidates: int
    top_k: int


@dataclass
class Settings:
    model: ModelSettings
    train: TrainSettings
    valid: ValidSettings


def load_settings(path):
    raw = json.loads(Path(path).read_text(encoding="utf-8"))
    return Settings(
        model=ModelSettings(**raw["model"]),
        train=TrainSettings(**raw["train"]),
        valid=ValidSettings(**raw["valid"]),
    )

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelConfig:
    dim: int = 32
    n_interests: int = 4
    routing_iterations: int = 3
    n_layers: int = 1
    max_len: int = 20
    dropout: float = 0.1
    sharpness: float = 1.0  # of the attention of a candidate to the interests
    init_std: float = 0.1


@dataclass(frozen=True)
class TrainConfig:
    batch_size: int = 128
    passes: int = 2  # over the examples per epoch
    epochs: int = 6
    lr: float = 5e-3
    weight_decay: float = 1e-3
    warmup_steps: int = 50
    clip_norm: float = 5.0
    n_negatives: int = 60
    diversity: float = 0.02
    label_smoothing: float = 0.0


@dataclass(frozen=True)
class Config:
    model: ModelConfig = ModelConfig()
    train: TrainConfig = TrainConfig()
    seed: int = 0
    top_k: int = 10

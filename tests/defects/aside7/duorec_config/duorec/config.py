"""All settings; on the command line as group.name=value."""

from __future__ import annotations

from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class ModelConfig:
    dim: int = 40
    heads: int = 2
    layers: int = 2
    dropout: float = 0.2
    max_len: int = 30


@dataclass(frozen=True)
class TrainConfig:
    epochs: int = 8
    repeats: int = 2  # how often an epoch shows each sequence
    batch_size: int = 16
    accumulate: int = 2
    lr: float = 4e-3
    warmup_steps: int = 20
    weight_decay: float = 0.01
    label_smoothing: float = 0.05
    contrast: float = 0.1
    temperature: float = 0.2
    substitute: float = 0.15  # share of events that the second view replaces
    average: float = 0.95
    clip: float = 1.0


@dataclass(frozen=True)
class Config:
    model: ModelConfig = field(default_factory=ModelConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    seed: int = 0

    def override(self, *assignments: str) -> Config:
        config = self
        for assignment in assignments:
            path, _, text = assignment.partition("=")
            group, _, name = path.rpartition(".")
            owner = getattr(config, group) if group else config
            changed = replace(owner, **{name: type(getattr(owner, name))(text)})
            config = replace(config, **{group: changed}) if group else changed
        return config

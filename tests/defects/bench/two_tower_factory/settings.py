from dataclasses import dataclass, field


@dataclass
class TowerConfig:
    dim: int = 48
    hidden: int = 96
    dropout: float = 0.1
    temperature: float = 0.1
    normalize: bool = True


@dataclass
class TrainConfig:
    batch_size: int = 256
    lr: float = 3e-3
    weight_decay: float = 1e-5
    history_len: int = 10
    log_q: bool = True
    max_norm: float = 1.0


@dataclass
class Config:
    tower: TowerConfig = field(default_factory=TowerConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    n_price_bins: int = 8

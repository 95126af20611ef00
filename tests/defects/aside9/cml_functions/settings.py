from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    dim: int = 32
    recent: int = 8           # events that place a user beside the user's own point
    fade: float = 0.7         # weight of an event against the one after it
    margin: float = 0.5
    negatives: int = 20
    batch_size: int = 256
    epochs: int = 12
    lr: float = 0.1
    radius: float = 1.0
    feature_weight: float = 0.05
    covariance_weight: float = 0.05
    seed: int = 0
    device: str = "cpu"

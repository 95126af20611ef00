from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TransformerConfig:
    """Hyper-parameters of model and training in one place."""

    # model
    max_len: int = 24
    dim: int = 48
    num_heads: int = 2
    num_layers: int = 2
    ffn_mult: int = 2
    dropout: float = 0.3

    # optimisation
    batch_size: int = 32
    lr: float = 3e-3
    weight_decay: float = 0.05
    betas: tuple[float, float] = (0.9, 0.98)
    warmup_steps: int = 30
    grad_clip: float = 1.0
    label_smoothing: float = 0.05

    # evaluation
    top_k: int = 10
    eval_batch_size: int = 128

    seed: int = 0

    @property
    def head_dim(self) -> int:
        assert self.dim % self.num_heads == 0, "dim must be divisible by num_heads"
        return self.dim // self.num_heads

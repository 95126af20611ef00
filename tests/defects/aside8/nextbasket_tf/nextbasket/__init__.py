"""A small causal transformer for next-item recommendation."""

from .config import TransformerConfig
from .data import NextItemDataset, Sequences, collate_sequences, left_to_right_padding
from .model import NextItemTransformer
from .trainer import Trainer

__all__ = [
    "NextItemDataset",
    "NextItemTransformer",
    "Sequences",
    "Trainer",
    "TransformerConfig",
    "collate_sequences",
    "left_to_right_padding",
]

"""One dict per experiment; `main.py --exp NAME` picks one, `--set key=value` overrides single entries."""

from typing import Any

Settings = dict[str, Any]

BASE: Settings = {
    "alias": "neumf",
    "num_epoch": 20,
    "batch_size": 256,
    "num_negative": 4,
    "neg_power": 0.5,  # 0: uniform, 1: by popularity
    "latent_dim_mf": 24,
    "latent_dim_mlp": 24,
    "layers": [48, 24, 12],
    "dropout": 0.2,
    "init_std": 0.05,
    "adam_lr": 5e-3,
    "lr_floor": 0.1,  # share of adam_lr that is left at the end
    "warmup_steps": 20,
    "l2_regularization": 1e-5,
    "patience": 4,
    "topk": 10,
    "num_candidates": 99,
    "seed": 7,
}

EXPERIMENTS: dict[str, Settings] = {
    "neumf": {},
    "neumf-wide": {"alias": "neumf_wide", "latent_dim_mlp": 48, "layers": [96, 48, 24]},
    "neumf-pop": {"alias": "neumf_pop", "neg_power": 0.75},
}


def get_settings(name: str = "neumf", **overrides: Any) -> Settings:
    unknown = overrides.keys() - BASE.keys()
    if unknown:
        raise KeyError(f"unknown settings: {sorted(unknown)}")
    return {**BASE, **EXPERIMENTS[name], **overrides}

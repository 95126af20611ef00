"""python train.py events.csv --epochs 60"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import numpy as np
import torch

from nextbasket import NextItemTransformer, Sequences, Trainer, TransformerConfig
from nextbasket.evaluation import Evaluator


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("events", type=Path)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--device", default="cpu")
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    logging.basicConfig(level=logging.INFO)
    cfg = TransformerConfig()
    torch.manual_seed(cfg.seed)
    device = torch.device(args.device)

    train, valid, test = Sequences.from_csv(args.events).leave_last_two_out()
    with_valid = {u: np.append(train.by_user[u], item) for u, item in valid.items()}
    valid_eval = Evaluator(train.by_user, valid, cfg, device)
    test_eval = Evaluator(with_valid, test, cfg, device)

    model = NextItemTransformer(train.num_items, cfg).to(device)
    metrics = Trainer(model, train, cfg, device).run(valid_eval, test_eval, args.epochs)
    print({name: round(value, 4) for name, value in metrics.items()})


if __name__ == "__main__":
    main()

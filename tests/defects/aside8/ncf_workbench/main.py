"""python main.py log.csv --exp neumf --set num_epoch=10"""

import argparse
import json

import numpy as np
import torch
from workbench.engine import Engine
from workbench.interactions import Interactions, candidate_lists, leave_one_out
from workbench.networks import NeuMF
from workbench.settings import EXPERIMENTS, get_settings


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("log")
    parser.add_argument("--exp", choices=EXPERIMENTS, default="neumf")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE")
    parser.add_argument("--device", default="cpu")
    return parser.parse_args()


def main() -> None:
    args = parse()
    overrides = {key: json.loads(value) for key, value in (pair.split("=", 1) for pair in args.set)}
    settings = get_settings(args.exp, **overrides)
    torch.manual_seed(settings["seed"])
    np.random.seed(settings["seed"])

    log = Interactions.from_csv(args.log)
    train, valid, test = leave_one_out(log)
    valid_lists = candidate_lists(log, valid, settings["num_candidates"], settings["seed"])
    test_lists = candidate_lists(log, test, settings["num_candidates"], settings["seed"] + 1)

    model = NeuMF(log.num_users, log.num_items, settings)
    engine = Engine(model, train, settings, args.device)
    best = engine.run(valid, valid_lists)
    final = engine.evaluate(test, test_lists)
    print(f"{settings['alias']}: best validation NDCG {best:.4f}")
    print(f"test HR@{final.k} {final.hit_ratio():.4f}  NDCG@{final.k} {final.ndcg():.4f}")
    torch.save(model.state_dict(), f"{settings['alias']}.pt")


if __name__ == "__main__":
    main()

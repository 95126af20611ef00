"""python train.py ratings.csv neumf"""

import sys

import numpy as np
import torch
from config import CONFIGS
from data import SampleGenerator, read_ratings
from evaluate import MetronAtK
from neumf import ENGINES


def main(path, name):
    config = dict(CONFIGS[name])
    np.random.seed(config["seed"])
    torch.manual_seed(config["seed"])
    ratings = read_ratings(path)
    generator = SampleGenerator(ratings, config)
    config["num_users"], config["num_items"] = generator.num_users, generator.num_items
    engine = ENGINES[name](config)
    metron = MetronAtK(top_k=10)
    best, kept = -1.0, None
    for epoch in range(config["num_epoch"]):
        loader = generator.instance_a_train_loader(epoch)
        loss = engine.train_an_epoch(loader)
        hr, ndcg = metron.evaluate(engine, generator.evaluate_data("valid"))
        print(f"[{name} epoch {epoch}] loss {loss:.4f} HR {hr:.4f} NDCG {ndcg:.4f}")
        if ndcg > best:
            best, kept = ndcg, engine.snapshot()
    engine.restore(kept)
    print("test HR %.4f NDCG %.4f" % metron.evaluate(engine, generator.evaluate_data("test")))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])

import argparse
import copy

import numpy as np
import torch

import Procedure
import world
from dataloader import Loader
from model import LightGCN


def parse_args():
    parser = argparse.ArgumentParser(description="Go lightGCN")
    parser.add_argument("--path", default=world.path)
    parser.add_argument("--lr", type=float, default=world.config["lr"])
    parser.add_argument("--decay", type=float, default=world.config["decay"])
    parser.add_argument("--layer", type=int, default=world.config["lightGCN_n_layers"])
    parser.add_argument("--epochs", type=int, default=world.TRAIN_epochs)
    return parser.parse_args()


def unseen(truth, dataset):
    """truth without what the user has in training, and without users who then have nothing to find"""
    left = {u: items - set(dataset.allPos[u].tolist()) for u, items in truth.items()}
    return {u: items for u, items in left.items() if items}


def main():
    args = parse_args()
    world.config.update(lr=args.lr, decay=args.decay, lightGCN_n_layers=args.layer)
    np.random.seed(world.seed)
    torch.manual_seed(world.seed)
    dataset = Loader.from_file(args.path)
    valid, test = unseen(dataset.validDict, dataset), unseen(dataset.testDict, dataset)
    Recmodel = LightGCN(world.config, dataset).to(world.device)
    bpr = Procedure.BPRLoss(Recmodel, world.config)

    best, best_state = -1.0, None
    for epoch in range(args.epochs):
        aver_loss = Procedure.BPR_train_original(dataset, Recmodel, bpr)
        results = Procedure.Test(dataset, Recmodel, valid)
        print(f"EPOCH[{epoch + 1}/{args.epochs}] loss{aver_loss:.3f} valid recall {results['recall']:.4f} ndcg {results['ndcg']:.4f}")
        if results["ndcg"] > best:
            best = results["ndcg"]
            best_state = copy.deepcopy(Recmodel.state_dict())
    Recmodel.load_state_dict(best_state)
    results = Procedure.Test(dataset, Recmodel, test, seen_too=dataset.validDict)
    print(f"test recall {results['recall']:.4f} ndcg {results['ndcg']:.4f}")


if __name__ == "__main__":
    main()

import argparse
import copy

import numpy as np
import torch

from conf import config
from dataloader import Dataset, load_interactions, split_by_user
from metrics import evaluate
from model import SimGCL


def parse_args():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default="data/events.csv")
    parser.add_argument("--epochs", type=int, default=config["epochs"])
    parser.add_argument("--lr", type=float, default=config["lr"])
    parser.add_argument("--cl_rate", type=float, default=config["cl_rate"])
    parser.add_argument("--patience", type=int, default=5)
    return parser.parse_args()


def make_optimizer(model, config):
    return torch.optim.Adam(model.parameters(), lr=config["lr"])


def train_one_epoch(model, dataset, optimizer, config):
    model.train()
    device = model.user_embedding.weight.device
    triplets = torch.from_numpy(dataset.sample_triplets()).to(device)
    batches = triplets.split(config["batch_size"])
    total = torch.zeros((), device=device)
    for batch in batches:
        users, pos, neg = batch.T
        rec_loss = model.bpr_loss(users, pos, neg)
        cl_loss = config["cl_rate"] * model.cl_loss(users, pos)
        loss = rec_loss + config["reg"] * model.reg_loss(users, pos, neg) + cl_loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.detach()
    return (total / len(batches)).item()


def main():
    args = parse_args()
    config.update(epochs=args.epochs, lr=args.lr, cl_rate=args.cl_rate)
    np.random.seed(config["seed"])
    torch.manual_seed(config["seed"])
    dataset = Dataset(*split_by_user(load_interactions(args.data)))
    model = SimGCL(config, dataset).to("cuda" if torch.cuda.is_available() else "cpu")
    optimizer = make_optimizer(model, config)
    k, batch_size = config["top_k"], config["test_batch_size"]

    best, best_state, bad = -1.0, None, 0
    for epoch in range(config["epochs"]):
        loss = train_one_epoch(model, dataset, optimizer, config)
        recall, ndcg = evaluate(model, dataset, dataset.valid_pos, k, batch_size)
        print(f"epoch {epoch}: loss {loss:.4f}, valid recall@{k} {recall:.4f}, ndcg@{k} {ndcg:.4f}")
        if ndcg > best:
            best, best_state, bad = ndcg, copy.deepcopy(model.state_dict()), 0
        else:
            bad += 1
            if bad == args.patience:
                break
    model.load_state_dict(best_state)
    recall, ndcg = evaluate(model, dataset, dataset.test_pos, k, batch_size, also_seen=dataset.valid_pos)
    print(f"test recall@{k} {recall:.4f}, ndcg@{k} {ndcg:.4f}")


if __name__ == "__main__":
    main()

import argparse

import polars as pl
import torch
from recsys.dataset import Dataset, leave_last_out
from recsys.recommender import TwoTowerRecommender


def main():
    parser = argparse.ArgumentParser(description="Two towers, from events to lists")
    parser.add_argument("--events", default="data/events.csv")
    parser.add_argument("--items", default="data/items.csv")
    parser.add_argument("--max-epochs", type=int, default=30)
    parser.add_argument("--dim", type=int, default=32)
    parser.add_argument("--out", default=None, help="write lists of ten for all users")
    parser.add_argument("--seed", type=int, default=32)
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    events = pl.read_csv(args.events, try_parse_dates=True)
    items = pl.read_csv(args.items)
    train, held_out = leave_last_out(events)
    dataset = Dataset.construct(train, items)
    recommender = TwoTowerRecommender(dim=args.dim, max_epochs=args.max_epochs)
    recommender.fit(dataset, held_out)
    print(pl.read_csv("lightning_logs/metrics.csv").tail(3))
    if args.out:
        users = dataset.user_id_map.external_ids
        recommender.recommend(users, dataset, k=10).write_csv(args.out)


if __name__ == "__main__":
    main()

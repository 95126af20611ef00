import argparse

import torch

from evaluation import evaluate_ranking
from interactions import read_ratings, user_based_split
from recommender import Recommender
from utils import set_seed


def get_parser():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ratings", type=str, default="datasets/shop/ratings.txt")
    parser.add_argument("--L", type=int, default=5)
    parser.add_argument("--T", type=int, default=2)
    parser.add_argument("--n_iter", type=int, default=14)
    parser.add_argument("--seed", type=int, default=1234)
    parser.add_argument("--batch_size", type=int, default=128)
    parser.add_argument("--learning_rate", type=float, default=3e-3)
    parser.add_argument("--l2", type=float, default=1e-6)
    parser.add_argument("--neg_samples", type=int, default=3)
    parser.add_argument("--d", type=int, default=32)
    parser.add_argument("--nv", type=int, default=4)
    parser.add_argument("--nh", type=int, default=16)
    parser.add_argument("--drop", type=float, default=0.5)
    return parser


def main():
    args = get_parser().parse_args()
    set_seed(args.seed, cuda=torch.cuda.is_available())
    train, valid, test = user_based_split(read_ratings(args.ratings))
    train.to_sequence(args.L, args.T)
    model = Recommender(args, "cuda" if torch.cuda.is_available() else "cpu")
    model.fit(train, valid)

    known = [a + b for a, b in zip(train.by_user(), valid.by_user())]
    print("test: prec@10=%.4f, recall@10=%.4f, map=%.4f, ndcg@10=%.4f" % tuple(evaluate_ranking(model, known, test)))


if __name__ == "__main__":
    main()

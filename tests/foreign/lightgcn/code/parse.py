import argparse


def parse_args():
    parser = argparse.ArgumentParser(description="Go, graph")
    parser.add_argument("--bpr_batch", type=int, default=512, help="batch of the BPR training")
    parser.add_argument("--recdim", type=int, default=32, help="size of the embeddings")
    parser.add_argument("--layer", type=int, default=2, help="how often is propagated")
    parser.add_argument("--lr", type=float, default=0.005)
    parser.add_argument("--decay", type=float, default=1e-4, help="weight of the l2 term")
    parser.add_argument("--dropout", type=int, default=0, help="drop edges or not")
    parser.add_argument("--keepprob", type=float, default=0.6, help="share of edges that are kept")
    parser.add_argument("--testbatch", type=int, default=100)
    parser.add_argument("--dataset", type=str, default="shop", help="one of [shop, books]")
    parser.add_argument("--path", type=str, default="./checkpoints")
    parser.add_argument("--topks", nargs="?", default="[20]")
    parser.add_argument("--load", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=2020)
    parser.add_argument("--model", type=str, default="lgn", help="one of [mf, lgn]")
    return parser.parse_args()

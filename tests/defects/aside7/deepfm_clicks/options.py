import argparse


def parse(argv=None):
    p = argparse.ArgumentParser(description="DeepFM on a click log")
    p.add_argument("--log", default="clicks.csv", help="user,item,time,category,store,price,rating")
    p.add_argument("--dim", type=int, default=16)
    p.add_argument("--hidden", type=int, nargs="*", default=[64, 32])
    p.add_argument("--dropout", type=float, default=0.1)
    p.add_argument("--max-hist", type=int, default=10)
    p.add_argument("--price-buckets", type=int, default=8)
    p.add_argument("--n-neg", type=int, default=4)
    p.add_argument("--batch-size", type=int, default=128)
    p.add_argument("--lr-tables", type=float, default=0.01)
    p.add_argument("--lr-dense", type=float, default=0.002)
    p.add_argument("--l2", type=float, default=1e-4)
    p.add_argument("--epochs", type=int, default=6)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--device", default="cpu")
    return p.parse_args(argv)

import argparse

parser = argparse.ArgumentParser(description="BERT4Rec")

# data
parser.add_argument("--data_path", type=str, default="ratings.csv")
parser.add_argument("--min_length", type=int, default=4)

# dataloader
parser.add_argument("--dataloader_random_seed", type=int, default=98765)
parser.add_argument("--train_batch_size", type=int, default=16)
parser.add_argument("--test_batch_size", type=int, default=64)

# negative samples of the evaluation
parser.add_argument("--test_negative_sampler", type=str, default="popular", choices=["popular", "random"])
parser.add_argument("--test_negative_sample_size", type=int, default=100)
parser.add_argument("--test_negative_sampling_seed", type=int, default=98765)

# model
parser.add_argument("--bert_max_len", type=int, default=24)
parser.add_argument("--bert_mask_prob", type=float, default=0.25)
parser.add_argument("--bert_hidden_units", type=int, default=32)
parser.add_argument("--bert_num_blocks", type=int, default=2)
parser.add_argument("--bert_num_heads", type=int, default=2)
parser.add_argument("--bert_dropout", type=float, default=0.1)

# trainer
parser.add_argument("--num_epochs", type=int, default=30)
parser.add_argument("--lr", type=float, default=5e-3)
parser.add_argument("--weight_decay", type=float, default=0.01)
parser.add_argument("--decay_step", type=int, default=20)
parser.add_argument("--gamma", type=float, default=0.3)
parser.add_argument("--metric_ks", nargs="+", type=int, default=[1, 5, 10])
parser.add_argument("--best_metric", type=str, default="NDCG@10")
parser.add_argument("--export_path", type=str, default="best_model.pth")


def get_args(argv=None, **changes):
    args = parser.parse_args(argv)
    for key, value in changes.items():
        setattr(args, key, value)
    return args

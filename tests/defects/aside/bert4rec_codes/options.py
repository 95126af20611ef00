import argparse


def set_template(args):
    """Templates of the paper's experiments; what a template sets wins over the defaults."""
    if args.template == "train_bert":
        args.dataloader_code = "bert"
        args.model_code = "bert"
        args.trainer_code = "bert"
        args.optimizer = "Adam"
        args.lr = 0.004
        args.enable_lr_schedule = True
        args.decay_step = 40
        args.gamma = 0.8
        args.bert_mask_prob = 0.25
        args.bert_num_blocks = 1
        args.bert_num_heads = 2
        args.bert_hidden_units = 48
        args.bert_dropout = 0.1


parser = argparse.ArgumentParser(description="RecPlayground")
parser.add_argument("--template", type=str, default="train_bert")
parser.add_argument("--dataloader_code", type=str, default="bert")
parser.add_argument("--dataloader_random_seed", type=float, default=0.0)
parser.add_argument("--train_batch_size", type=int, default=64)
parser.add_argument("--dupe_factor", type=int, default=4)
parser.add_argument("--last_only_prob", type=float, default=0.3)
parser.add_argument("--trainer_code", type=str, default="bert")
parser.add_argument("--optimizer", type=str, default="SGD", choices=["SGD", "Adam"])
parser.add_argument("--lr", type=float, default=0.01)
parser.add_argument("--weight_decay", type=float, default=0.0)
parser.add_argument("--momentum", type=float, default=None)
parser.add_argument("--enable_lr_schedule", type=bool, default=False)
parser.add_argument("--decay_step", type=int, default=15)
parser.add_argument("--gamma", type=float, default=0.1)
parser.add_argument("--model_code", type=str, default="bert")
parser.add_argument("--bert_max_len", type=int, default=24)
parser.add_argument("--bert_hidden_units", type=int, default=None)
parser.add_argument("--bert_num_blocks", type=int, default=None)
parser.add_argument("--bert_num_heads", type=int, default=None)
parser.add_argument("--bert_dropout", type=float, default=None)
parser.add_argument("--bert_mask_prob", type=float, default=None)


def get_args():
    args = parser.parse_args([])
    set_template(args)
    return args

import argparse
import copy

import numpy as np
import torch

from model import SASRec
from utils import WarpSampler, data_partition, evaluate, evaluate_valid


def get_parser():
    parser = argparse.ArgumentParser()
    parser.add_argument("--dataset", default="data/shop.txt")
    parser.add_argument("--batch_size", default=32, type=int)
    parser.add_argument("--lr", default=0.003, type=float)
    parser.add_argument("--maxlen", default=20, type=int)
    parser.add_argument("--hidden_units", default=48, type=int)
    parser.add_argument("--num_blocks", default=2, type=int)
    parser.add_argument("--num_epochs", default=30, type=int)
    parser.add_argument("--num_heads", default=1, type=int)
    parser.add_argument("--dropout_rate", default=0.2, type=float)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", default=42, type=int)
    return parser


def new_model(usernum, itemnum, args):
    model = SASRec(usernum, itemnum, args).to(args.device)
    for param in model.parameters():
        if param.dim() > 1:
            torch.nn.init.xavier_normal_(param.data)
    model.pos_emb.weight.data[0, :] = 0
    model.item_emb.weight.data[0, :] = 0
    return model


def train_epoch(model, sampler, num_batch, bce_criterion, adam_optimizer, args):
    model.train()
    total = torch.zeros((), device=args.device)
    for step in range(num_batch):
        u, seq, pos, neg = sampler.next_batch()
        pos_logits, neg_logits = model(u, seq, pos, neg)
        pos_labels, neg_labels = torch.ones_like(pos_logits), torch.zeros_like(neg_logits)
        adam_optimizer.zero_grad()
        indices = np.where(pos != 0)
        loss = bce_criterion(pos_logits[indices], pos_labels[indices])
        loss += bce_criterion(neg_logits[indices], neg_labels[indices])
        loss.backward()
        adam_optimizer.step()
        total += loss.detach()
    return total.item() / num_batch


def main():
    args = get_parser().parse_args()
    torch.manual_seed(args.seed)
    dataset = data_partition(args.dataset)
    user_train, user_valid, user_test, usernum, itemnum = dataset
    num_batch = (len(user_train) - 1) // args.batch_size + 1
    print("average sequence length: %.2f" % (sum(len(s) for s in user_train.values()) / len(user_train)))

    sampler = WarpSampler(user_train, itemnum, args.batch_size, args.maxlen, args.seed)
    model = new_model(usernum, itemnum, args)
    bce_criterion = torch.nn.BCEWithLogitsLoss()
    adam_optimizer = torch.optim.Adam(model.parameters(), lr=args.lr, betas=(0.9, 0.98))

    best_val_ndcg, best_state = -1.0, None
    for epoch in range(1, args.num_epochs + 1):
        loss = train_epoch(model, sampler, num_batch, bce_criterion, adam_optimizer, args)
        if epoch % 5 == 0 or epoch == args.num_epochs:
            t_valid = evaluate_valid(model, dataset, args)
            print("epoch:%d, loss: %.4f, valid (NDCG@10: %.4f, HR@10: %.4f)" % (epoch, loss, *t_valid))
            if t_valid[0] > best_val_ndcg:
                best_val_ndcg = t_valid[0]
                best_state = copy.deepcopy(model.state_dict())
    sampler.close()
    model.load_state_dict(best_state)
    print("test (NDCG@10: %.4f, HR@10: %.4f)" % evaluate(model, dataset, args))


if __name__ == "__main__":
    main()

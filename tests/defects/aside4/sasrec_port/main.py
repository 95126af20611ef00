import argparse
import os
import time

import numpy as np
import torch

from model import SASRec
from utils import WarpSampler, data_partition, evaluate


def str2bool(s):
    if s not in {'false', 'true'}:
        raise ValueError('Not a valid boolean string')
    return s == 'true'


def get_parser():
    parser = argparse.ArgumentParser()
    parser.add_argument('--dataset', default='Video')
    parser.add_argument('--train_dir', default='default')
    parser.add_argument('--batch_size', default=64, type=int)
    parser.add_argument('--lr', default=0.002, type=float)
    parser.add_argument('--maxlen', default=30, type=int)
    parser.add_argument('--hidden_units', default=48, type=int)
    parser.add_argument('--num_blocks', default=2, type=int)
    parser.add_argument('--num_epochs', default=201, type=int)
    parser.add_argument('--passes', default=4, type=int, help='passes over the users per epoch')
    parser.add_argument('--num_heads', default=1, type=int)
    parser.add_argument('--n_neg', default=8, type=int)
    parser.add_argument('--dropout_rate', default=0.2, type=float)
    parser.add_argument('--l2_emb', default=0.0, type=float)
    parser.add_argument('--seed', default=42, type=int)
    parser.add_argument('--eval_seed', default=7, type=int)
    parser.add_argument('--device', default='cpu', type=str)
    parser.add_argument('--inference_only', default=False, type=str2bool)
    parser.add_argument('--state_dict_path', default=None, type=str)
    return parser


def train(model, user_train, itemnum, args):
    trainable = [u for u in user_train if len(user_train[u]) > 1]
    num_batch = args.passes * ((len(trainable) - 1) // args.batch_size + 1)
    sampler = WarpSampler(user_train, itemnum, args.batch_size, args.maxlen, args.n_neg, args.seed)

    bce_criterion = torch.nn.BCEWithLogitsLoss()
    adam_optimizer = torch.optim.Adam(model.parameters(), lr=args.lr, betas=(0.9, 0.98))

    while True:
        model.train()
        total = 0.0
        for step in range(num_batch):
            u, seq, pos, neg = sampler.next_batch()
            pos_logits, neg_logits = model(seq, pos, neg)
            pos_labels = torch.ones(pos_logits.shape, device=args.device)
            neg_labels = torch.zeros(neg_logits.shape, device=args.device)
            indices = np.where(pos != 0)

            adam_optimizer.zero_grad()
            loss = bce_criterion(pos_logits[indices], pos_labels[indices])
            loss += bce_criterion(neg_logits[indices], neg_labels[indices])
            for param in model.item_emb.parameters():
                loss += args.l2_emb * torch.norm(param)
            loss.backward()
            adam_optimizer.step()
            total += loss.detach()
        yield float(total) / num_batch


class Recommender:
    def __init__(self, data, args):
        self.args = args
        self.itemnum = data.n_items
        self.user_train = {}
        for u in range(1, data.n_users + 1):
            self.user_train[u] = data.items[data.offsets[u]:data.offsets[u + 1]].tolist()
        self.model = SASRec(self.itemnum, args).to(args.device)

    def fit(self):
        for loss in train(self.model, self.user_train, self.itemnum, self.args):
            yield {'loss': loss}

    @torch.no_grad()
    def score(self, users, histories):
        self.model.eval()
        seqs = np.zeros((len(histories), self.args.maxlen), dtype=np.int64)
        tails = np.asarray(histories)[:, -self.args.maxlen:]
        seqs[:, self.args.maxlen - tails.shape[1]:] = tails
        return self.model.predict(seqs, np.arange(self.itemnum + 1)).cpu().numpy()

    def item_embeddings(self):
        return self.model.item_emb.weight.detach()


def build(data, *, device, seed):
    args = get_parser().parse_args([])
    args.device, args.seed = device, seed
    torch.manual_seed(seed)
    return Recommender(data, args)


def main():
    args = get_parser().parse_args()
    folder = args.dataset + '_' + args.train_dir
    os.makedirs(folder, exist_ok=True)
    torch.manual_seed(args.seed)
    dataset = data_partition(args.dataset)
    user_train, user_valid, user_test, usernum, itemnum = dataset
    model = SASRec(itemnum, args).to(args.device)
    if args.state_dict_path is not None:
        model.load_state_dict(torch.load(args.state_dict_path, map_location=args.device))
    if args.inference_only:
        print('test (NDCG@10: %.4f, HR@10: %.4f)' % evaluate(model, dataset, args))
        return

    best_val_ndcg, t0 = 0.0, time.time()
    for epoch, loss in enumerate(train(model, user_train, itemnum, args), start=1):
        print('epoch %d: loss %.4f' % (epoch, loss))
        if epoch % 20 == 0:
            t_valid = evaluate(model, dataset, args, test=False)
            t_test = evaluate(model, dataset, args)
            print('%.0f s, valid %s, test %s' % (time.time() - t0, t_valid, t_test))
            if t_valid[0] > best_val_ndcg:
                best_val_ndcg = t_valid[0]
                torch.save(model.state_dict(), os.path.join(folder, 'SASRec.pth'))
        if epoch >= args.num_epochs:
            break


if __name__ == '__main__':
    main()

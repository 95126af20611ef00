import argparse
import random
import time

import numpy as np
import torch
from torch import nn, optim
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader

import metric
from dataset import RecSysDataset, collate_fn, load_sessions, process_seqs, split_sessions
from narm import NARM

parser = argparse.ArgumentParser()
parser.add_argument('--dataset_path', default='datasets/shop.csv', help='session,item,time')
parser.add_argument('--batch_size', type=int, default=64)
parser.add_argument('--hidden_size', type=int, default=48)
parser.add_argument('--embed_dim', type=int, default=32)
parser.add_argument('--epoch', type=int, default=100)
parser.add_argument('--passes', type=int, default=2, help='passes over the sequences per epoch')
parser.add_argument('--lr', type=float, default=0.004)
parser.add_argument('--lr_dc', type=float, default=0.5, help='learning rate decay')
parser.add_argument('--lr_dc_step', type=int, default=3, help='epochs after which the learning rate decays')
parser.add_argument('--grad_clip', type=float, default=5.0)
parser.add_argument('--topk', type=int, default=20)
parser.add_argument('--max_len', type=int, default=20)
parser.add_argument('--seed', type=int, default=2020)

device = torch.device('cpu')


def make_loader(sessions, args, shuffle):
    dataset = RecSysDataset(*process_seqs(sessions, args.max_len))
    return DataLoader(dataset, batch_size=args.batch_size, shuffle=shuffle, collate_fn=collate_fn)


def make_optimizer(model, args):
    optimizer = optim.Adam(model.parameters(), args.lr)
    return optimizer, StepLR(optimizer, step_size=args.lr_dc_step, gamma=args.lr_dc)


def train_for_epoch(loader, model, optimizer, scheduler, criterion, args):
    model.train()
    sum_epoch_loss, n = 0, 0
    for _ in range(args.passes):
        for seq, target, lens in loader:
            seq, target = seq.to(device), target.to(device)

            optimizer.zero_grad()
            outputs = model(seq, lens)
            loss = criterion(outputs, target - 1)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), args.grad_clip)
            optimizer.step()

            sum_epoch_loss += loss.detach() * len(target)
            n += len(target)
    scheduler.step()
    return float(sum_epoch_loss) / n


def validate(loader, model, args):
    model.eval()
    recalls, mrrs, sizes = [], [], []
    with torch.no_grad():
        for seq, target, lens in loader:
            scores = model(seq.to(device), lens)
            recall, mrr = metric.evaluate(scores.cpu(), target, k=args.topk)
            recalls.append(recall)
            mrrs.append(mrr)
            sizes.append(len(target))
    return np.average(recalls, weights=sizes), np.average(mrrs, weights=sizes)


def main():
    args = parser.parse_args()
    random.seed(args.seed)
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)

    print('Loading data...')
    train, valid, test = split_sessions(load_sessions(args.dataset_path))
    n_items = max(item for part in (train, valid, test) for items in part for item in items)
    train_loader = make_loader(train, args, shuffle=True)
    valid_loader = make_loader(valid, args, shuffle=False)
    test_loader = make_loader(test, args, shuffle=False)

    model = NARM(n_items, args.hidden_size, args.embed_dim).to(device)
    optimizer, scheduler = make_optimizer(model, args)
    criterion = nn.CrossEntropyLoss()

    best_recall = 0
    for epoch in range(args.epoch):
        st = time.time()
        loss = train_for_epoch(train_loader, model, optimizer, scheduler, criterion, args)
        recall, mrr = validate(valid_loader, model, args)
        print('Epoch {}: loss {:.4f}, Recall@{k}: {:.4f}, MRR@{k}: {:.4f}, {:.0f}s'.format(
            epoch, loss, recall, mrr, time.time() - st, k=args.topk))
        if recall > best_recall:
            best_recall = recall
            torch.save(model.state_dict(), 'latest_checkpoint.pth.tar')

    model.load_state_dict(torch.load('latest_checkpoint.pth.tar'))
    recall, mrr = validate(test_loader, model, args)
    print('Test: Recall@{k}: {:.4f}, MRR@{k}: {:.4f}'.format(recall, mrr, k=args.topk))


if __name__ == '__main__':
    main()

import argparse
import copy
import os
import time

import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim
import torch.utils.data as data

import config
import data_utils
import evaluate
from model import NCF


def train_loader_of(train_data, user_num, item_num):
    train_mat = data_utils.interactions(train_data, user_num, item_num)
    train_dataset = data_utils.NCFData(train_data, item_num, train_mat, config.num_ng, True)
    train_dataset.ng_sample()
    return data.DataLoader(train_dataset, batch_size=config.batch_size, shuffle=True, num_workers=0)


def eval_loader_of(pairs, item_num):
    batch_size = config.test_users * (config.test_num_ng + 1)
    return data.DataLoader(data_utils.NCFData(pairs, item_num), batch_size=batch_size, shuffle=False, num_workers=0)


def train_epoch(model, train_loader, loss_function, optimizer, device="cpu"):
    model.train()
    train_loader.dataset.ng_sample()
    total = torch.zeros((), device=device)
    for user, item, label in train_loader:
        optimizer.zero_grad()
        prediction = model(user.to(device), item.to(device))
        loss = loss_function(prediction, label.to(device))
        loss.backward()
        optimizer.step()
        total += loss.detach()
    return total.item() / len(train_loader)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default=config.ratings)
    parser.add_argument("--lr", type=float, default=config.lr)
    parser.add_argument("--epochs", type=int, default=config.epochs)
    parser.add_argument("--out", action="store_true", help="save the best model")
    args = parser.parse_args()

    torch.manual_seed(config.seed)
    np.random.seed(config.seed)
    train_data, valid_data, test_data, user_num, item_num = data_utils.load_all(args.data)
    train_loader = train_loader_of(train_data, user_num, item_num)
    valid_loader = eval_loader_of(valid_data, item_num)
    test_loader = eval_loader_of(test_data, item_num)

    model = NCF(user_num, item_num, config.factor_num, config.num_layers, config.dropout)
    loss_function = nn.BCEWithLogitsLoss()
    optimizer = optim.Adam(model.parameters(), lr=args.lr)

    best_ndcg, best_epoch, best_state = -1.0, 0, None
    for epoch in range(args.epochs):
        start_time = time.time()
        loss = train_epoch(model, train_loader, loss_function, optimizer)
        HR, NDCG = evaluate.metrics(model, valid_loader, config.top_k)
        print("epoch %03d  %.1f s  loss %.4f  HR: %.3f  NDCG: %.3f" % (epoch, time.time() - start_time, loss, HR, NDCG))
        if NDCG > best_ndcg:
            best_ndcg, best_epoch = NDCG, epoch
            best_state = copy.deepcopy(model.state_dict())

    model.load_state_dict(best_state)
    if args.out:
        os.makedirs(config.model_path, exist_ok=True)
        torch.save(best_state, config.NeuMF_model_path)
    HR, NDCG = evaluate.metrics(model, test_loader, config.top_k)
    print("best epoch %03d  test HR: %.3f  NDCG: %.3f" % (best_epoch, HR, NDCG))

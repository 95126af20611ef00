import argparse
import os
import time

import config
import data_utils
import evaluate
import model
import torch
import torch.nn as nn
import torch.optim as optim
import torch.utils.data as data

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.001, help="learning rate")
parser.add_argument("--dropout", type=float, default=0.0, help="dropout rate")
parser.add_argument("--batch_size", type=int, default=256, help="batch size of the training")
parser.add_argument("--epochs", type=int, default=20, help="epochs of the training")
parser.add_argument("--top_k", type=int, default=10, help="metrics at k")
parser.add_argument("--factor_num", type=int, default=16, help="predictive factors")
parser.add_argument("--num_layers", type=int, default=3, help="layers of the MLP")
parser.add_argument("--num_ng", type=int, default=4, help="negatives per positive in training")
parser.add_argument("--test_num_ng", type=int, default=99, help="negatives per positive in the test")
parser.add_argument("--out", default=True, help="save the model or not")
parser.add_argument("--gpu", type=str, default="0", help="which card")
args = parser.parse_args()

os.environ["CUDA_VISIBLE_DEVICES"] = args.gpu
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

############################## DATA ##############################
train_data, test_data, user_num, item_num, train_mat = data_utils.load_all()
train_dataset = data_utils.NCFData(train_data, item_num, train_mat, args.num_ng, True)
test_dataset = data_utils.NCFData(test_data, item_num, train_mat, 0, False)
train_loader = data.DataLoader(train_dataset, batch_size=args.batch_size, shuffle=True, num_workers=2)
test_loader = data.DataLoader(test_dataset, batch_size=args.test_num_ng + 1, shuffle=False, num_workers=0)

############################## MODEL ##############################
model = model.NCF(user_num, item_num, args.factor_num, args.num_layers, args.dropout, config.model)
model.to(device)
loss_function = nn.BCEWithLogitsLoss()
optimizer = optim.Adam(model.parameters(), lr=args.lr)

############################## TRAINING ##############################
count, best_hr = 0, 0
for epoch in range(args.epochs):
    model.train()
    start_time = time.time()
    train_loader.dataset.ng_sample()

    for user, item, label in train_loader:
        user = user.to(device)
        item = item.to(device)
        label = label.float().to(device)

        model.zero_grad()
        prediction = model(user, item)
        loss = loss_function(prediction, label)
        loss.backward()
        optimizer.step()
        count += 1

    model.eval()
    HR, NDCG = evaluate.metrics(model, test_loader, args.top_k, device)
    elapsed_time = time.time() - start_time
    print("epoch {:03d}, {:.1f} s: HR {:.3f}\tNDCG {:.3f}".format(epoch, elapsed_time, HR, NDCG))

    if HR > best_hr:
        best_hr, best_ndcg, best_epoch = HR, NDCG, epoch
        if args.out:
            if not os.path.exists(config.model_path):
                os.mkdir(config.model_path)
            torch.save(model, "{}{}.pth".format(config.model_path, config.model))

print("End. Best epoch {:03d}: HR = {:.3f}, NDCG = {:.3f}".format(best_epoch, best_hr, best_ndcg))

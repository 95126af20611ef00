import argparse
import os
import time

import numpy as np
import torch
from model import SelfAttRec
from utils import Sampler, evaluate, load


def boolean(s):
    if s not in ("true", "false"):
        raise ValueError("true or false, please")
    return s == "true"


parser = argparse.ArgumentParser()
parser.add_argument("--dataset", required=True)
parser.add_argument("--train_dir", required=True)
parser.add_argument("--batch_size", default=128, type=int)
parser.add_argument("--lr", default=0.001, type=float)
parser.add_argument("--maxlen", default=50, type=int)
parser.add_argument("--hidden_units", default=50, type=int)
parser.add_argument("--num_blocks", default=2, type=int)
parser.add_argument("--num_epochs", default=200, type=int)
parser.add_argument("--num_heads", default=1, type=int)
parser.add_argument("--dropout_rate", default=0.2, type=float)
parser.add_argument("--l2_emb", default=0.0, type=float)
parser.add_argument("--device", default="cuda", type=str)
parser.add_argument("--inference_only", default=False, type=boolean)
parser.add_argument("--state_dict_path", default=None, type=str)
args = parser.parse_args()

folder = args.dataset + "_" + args.train_dir
if not os.path.isdir(folder):
    os.makedirs(folder)
with open(os.path.join(folder, "args.txt"), "w") as f:
    for k in sorted(vars(args)):
        f.write("%s,%s\n" % (k, vars(args)[k]))

if __name__ == "__main__":
    dataset = load(args.dataset)
    [user_train, user_valid, user_test, usernum, itemnum] = dataset
    num_batch = len(user_train) // args.batch_size + 1
    print("average sequence length: %.2f" % np.mean([len(x) for x in user_train.values()]))

    f = open(os.path.join(folder, "log.txt"), "w")
    sampler = Sampler(
        user_train, usernum, itemnum, batch_size=args.batch_size, maxlen=args.maxlen, n_workers=3
    )
    model = SelfAttRec(usernum, itemnum, args).to(args.device)
    for name, param in model.named_parameters():
        try:
            torch.nn.init.xavier_normal_(param.data)
        except:
            pass  # biases and norms cannot be initialised so
    model.item_emb.weight.data[0] = 0
    model.pos_emb.weight.data[0] = 0
    model.train()

    first = 1
    if args.state_dict_path is not None:
        try:
            model.load_state_dict(torch.load(args.state_dict_path, map_location=args.device))
            first = int(args.state_dict_path.split("epoch=")[1].split(".")[0]) + 1
        except:
            print("cannot load", args.state_dict_path, "- look what is wrong, then type exit()")
            import pdb

            pdb.set_trace()

    if args.inference_only:
        model.eval()
        print("test (NDCG@10: %.4f, HR@10: %.4f)" % evaluate(model, dataset, args, True))
        exit(0)

    criterion = torch.nn.BCEWithLogitsLoss()
    opt = torch.optim.Adam(model.parameters(), lr=args.lr, betas=(0.9, 0.98))

    best = (0.0, 0.0)
    spent, t0 = 0.0, time.time()
    for epoch in range(first, args.num_epochs + 1):
        for step in range(num_batch):
            u, seq, pos, neg = (np.array(x) for x in sampler.next_batch())
            pos_logits, neg_logits = model(u, seq, pos, neg)
            ones = torch.ones(pos_logits.shape, device=args.device)
            zeros = torch.zeros(neg_logits.shape, device=args.device)
            where = np.where(pos != 0)
            opt.zero_grad()
            loss = criterion(pos_logits[where], ones[where])
            loss += criterion(neg_logits[where], zeros[where])
            for param in model.item_emb.parameters():
                loss += args.l2_emb * torch.norm(param)
            loss.backward()
            opt.step()
            print("epoch %d step %d: loss %f" % (epoch, step, loss.item()))

        if epoch % 20 == 0:
            model.eval()
            spent += time.time() - t0
            print("Evaluating", end="")
            on_valid = evaluate(model, dataset, args, False)
            on_test = evaluate(model, dataset, args, True)
            print(
                "epoch %d, %.1f s, valid (NDCG@10: %.4f, HR@10: %.4f), test (NDCG@10: %.4f, HR@10: %.4f)"
                % ((epoch, spent) + on_valid + on_test)
            )
            if on_valid[0] > best[0]:
                best = on_valid
                torch.save(model.state_dict(), os.path.join(folder, "net.epoch=%d.pth" % epoch))
            f.write("%d %s %s\n" % (epoch, on_valid, on_test))
            f.flush()
            t0 = time.time()
            model.train()

    torch.save(model.state_dict(), os.path.join(folder, "net.epoch=%d.pth" % args.num_epochs))
    f.close()
    sampler.close()
    print("Done")

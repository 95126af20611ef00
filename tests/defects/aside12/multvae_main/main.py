import argparse
import time

import numpy as np
import torch
import torch.optim as optim

import metric
from dataset import DataLoader
from models import MultiVAE, loss_function

parser = argparse.ArgumentParser(description="Variational autoencoders for collaborative filtering")
parser.add_argument("--data", default="ml-20m/ratings.csv")
parser.add_argument("--n_heldout_users", type=int, default=40)
parser.add_argument("--lr", type=float, default=3e-3)
parser.add_argument("--wd", type=float, default=0.0)
parser.add_argument("--batch_size", type=int, default=50)
parser.add_argument("--epochs", type=int, default=60)
parser.add_argument("--dropout", type=float, default=0.5)
parser.add_argument("--total_anneal_steps", type=int, default=200, help="gradient updates until the KL term has its weight")
parser.add_argument("--anneal_cap", type=float, default=0.2, help="largest weight of the KL term")
parser.add_argument("--seed", type=int, default=1111)
parser.add_argument("--save", default="model.pt", help="path of the best model")


class Run:
    """Model, optimizer and the count of updates, which the annealing goes by"""

    def __init__(self, args, n_items, device):
        torch.manual_seed(args.seed)
        self.args, self.device = args, device
        self.rng = np.random.RandomState(args.seed)
        self.model = MultiVAE([32, 96, n_items], args.dropout).to(device)
        self.optimizer = optim.Adam(self.model.parameters(), lr=args.lr, weight_decay=args.wd)
        self.criterion = loss_function
        self.update_count = 0

    def anneal(self):
        if self.args.total_anneal_steps > 0:
            return min(self.args.anneal_cap, 1.0 * self.update_count / self.args.total_anneal_steps)
        return self.args.anneal_cap


def train(run, train_data):
    run.model.train()
    N = train_data.shape[0]
    idxlist = np.arange(N)
    run.rng.shuffle(idxlist)
    train_loss = torch.zeros((), device=run.device)
    for start_idx in range(0, N, run.args.batch_size):
        end_idx = min(start_idx + run.args.batch_size, N)
        data = torch.from_numpy(train_data.toarray(idxlist[start_idx:end_idx])).to(run.device)
        run.optimizer.zero_grad()
        recon_batch, mu, logvar = run.model(data)
        loss = run.criterion(recon_batch, data, mu, logvar, run.anneal())
        loss.backward()
        run.optimizer.step()
        run.update_count += 1
        train_loss += loss.detach() * (end_idx - start_idx)
    return train_loss.item() / N


@torch.no_grad()
def predict(run, data):
    """data (B, n_items) of zeros and ones -> logits (B, n_items)"""
    run.model.eval()
    recon_batch, _, _ = run.model(torch.from_numpy(data).to(run.device))
    return recon_batch.cpu().numpy()


def evaluate(run, data_tr, data_te):
    n100_list, r20_list = [], []
    users = np.flatnonzero(np.diff(data_te.indptr))
    for start_idx in range(0, len(users), run.args.batch_size):
        part = users[start_idx:start_idx + run.args.batch_size]
        data = data_tr.toarray(part)
        heldout_data = data_te.toarray(part)
        recon_batch = predict(run, data)
        recon_batch[data.nonzero()] = -np.inf
        n100_list.append(metric.NDCG_binary_at_k_batch(recon_batch, heldout_data, 100))
        r20_list.append(metric.Recall_at_k_batch(recon_batch, heldout_data, 20))
    return np.concatenate(n100_list).mean(), np.concatenate(r20_list).mean()


def main():
    args = parser.parse_args()
    loader = DataLoader(args.data, args.n_heldout_users, args.seed)
    train_data = loader.load_data("train")
    vad_data_tr, vad_data_te = loader.load_data("validation")
    test_data_tr, test_data_te = loader.load_data("test")
    run = Run(args, loader.n_items, torch.device("cuda" if torch.cuda.is_available() else "cpu"))
    best_n100 = -np.inf
    for epoch in range(1, args.epochs + 1):
        epoch_start_time = time.time()
        train_loss = train(run, train_data)
        n100, r20 = evaluate(run, vad_data_tr, vad_data_te)
        took = time.time() - epoch_start_time
        print("| epoch %3d | %4.2fs | train loss %6.2f | n100 %5.3f | r20 %5.3f" % (epoch, took, train_loss, n100, r20))
        if n100 > best_n100:
            torch.save(run.model.state_dict(), args.save)
            best_n100 = n100
    run.model.load_state_dict(torch.load(args.save))
    n100, r20 = evaluate(run, test_data_tr, test_data_te)
    print("| End of training | n100 %5.3f | r20 %5.3f" % (n100, r20))


if __name__ == "__main__":
    main()

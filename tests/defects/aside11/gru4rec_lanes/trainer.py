"""python trainer.py log.csv   (session,item,time per line)"""
import argparse

import numpy as np
import torch

from dataset import DataLoader, Dataset, NegativeSampler, read_log, split
from model import GRU4REC, LossFunction

parser = argparse.ArgumentParser()
parser.add_argument("data", nargs="?")
parser.add_argument("--hidden_size", default=48, type=int)
parser.add_argument("--num_layers", default=1, type=int)
parser.add_argument("--embedding_dim", default=32, type=int)
parser.add_argument("--dropout_input", default=0.2, type=float)
parser.add_argument("--sigma", default=0.1, type=float, help="init weights, [-sigma, +sigma]")
parser.add_argument("--batch_size", default=32, type=int)
parser.add_argument("--n_epochs", default=10, type=int)
parser.add_argument("--optimizer_type", default="Adam", type=str)
parser.add_argument("--lr", default=0.005, type=float)
parser.add_argument("--weight_decay", default=0.0, type=float)
parser.add_argument("--loss_type", default="BPR-max", type=str)
parser.add_argument("--bpr_reg", default=0.5, type=float)
parser.add_argument("--n_sample", default=64, type=int)
parser.add_argument("--sample_alpha", default=0.5, type=float)
parser.add_argument("--k_eval", default=20, type=int)
parser.add_argument("--seed", default=22, type=int)
parser.add_argument("--checkpoint", default="gru4rec.pt", type=str)


class Optimizer:
    """Adagrad or Adam over parameters, with one interface"""

    def __init__(self, params, optimizer_type, lr, weight_decay):
        kinds = {"Adagrad": torch.optim.Adagrad, "Adam": torch.optim.Adam}
        self.optimizer = kinds[optimizer_type](params, lr=lr, weight_decay=weight_decay)

    def zero_grad(self):
        self.optimizer.zero_grad()

    def step(self):
        self.optimizer.step()


class Trainer:
    def __init__(self, model, train_data, args, device="cpu"):
        self.model = model.to(device)
        self.device = device
        self.optim = Optimizer(model.parameters(), args.optimizer_type, args.lr, args.weight_decay)
        self.loss_func = LossFunction(args.loss_type, args.bpr_reg)
        self.loader = DataLoader(train_data, args.batch_size, np.random.default_rng(args.seed))
        self.sampler = NegativeSampler(train_data.items, model.n_items, args.n_sample, args.sample_alpha, args.seed)

    def train_epoch(self):
        self.model.train()
        total, events = torch.zeros((), device=self.device), 0
        hidden = self.model.init_hidden(self.loader.batch_size)
        for input, target, lanes, fresh in self.loader:
            hidden[:, fresh] = 0
            input = torch.as_tensor(input, device=self.device)
            target = torch.as_tensor(target, device=self.device)
            negatives = torch.as_tensor(self.sampler.draw(), device=self.device)
            samples = torch.cat([target, negatives])
            self.optim.zero_grad()
            output, state = self.model(input, hidden[:, lanes])
            logit = self.model.logits(output, samples)  # B x (B + n_sample)
            loss = self.loss_func(logit, samples == target.view(-1, 1))
            loss.backward()
            self.optim.step()
            hidden[:, lanes] = state.detach()
            total += loss.detach() * len(target)
            events += len(target)
        return total.item() / events


class Evaluation:
    def __init__(self, model, k, device="cpu"):
        self.model, self.k, self.device = model, k, device

    @torch.no_grad()
    def eval(self, data, batch_size):
        """Recall and MRR at k over all events of the sessions but the first ones"""
        self.model.eval()
        recall, mrr, events = 0.0, 0.0, 0
        loader = DataLoader(data, batch_size)
        hidden = self.model.init_hidden(loader.batch_size)
        for input, target, lanes, fresh in loader:
            hidden[:, fresh] = 0
            output, state = self.model(torch.as_tensor(input, device=self.device), hidden[:, lanes])
            hidden[:, lanes] = state
            top = self.model.logits(output).topk(self.k).indices
            hits = (top == torch.as_tensor(target, device=self.device).view(-1, 1)).nonzero()
            rank = hits[:, 1] + 1
            recall += len(rank)
            mrr += (1.0 / rank).sum().item()
            events += len(target)
        return recall / events, mrr / events


def make_model(n_items, args):
    return GRU4REC(n_items, args.hidden_size, args.num_layers, args.embedding_dim, args.dropout_input, args.sigma)


def main():
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    log = read_log(args.data)
    train, valid, test = split(Dataset(*log))
    model = make_model(int(log[1].max()) + 1, args)
    trainer, evaluation = Trainer(model, train, args), Evaluation(model, args.k_eval)
    best = -1.0
    for epoch in range(1, args.n_epochs + 1):
        loss = trainer.train_epoch()
        recall, mrr = evaluation.eval(valid, args.batch_size)
        print(f"epoch {epoch} loss {loss:.3f} recall {recall:.4f} mrr {mrr:.4f}")
        if recall > best:
            best = recall
            torch.save(model.state_dict(), args.checkpoint)
    model.load_state_dict(torch.load(args.checkpoint))
    print("test recall %.4f mrr %.4f" % evaluation.eval(test, args.batch_size))


if __name__ == "__main__":
    main()

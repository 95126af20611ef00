import torch


def make_optimizer(params, args):
    if args.optimizer_type == "Adagrad":
        return torch.optim.Adagrad(params, lr=args.lr)
    if args.optimizer_type == "SGD":
        return torch.optim.SGD(params, lr=args.lr, momentum=args.momentum)
    return torch.optim.Adam(params, lr=args.lr)


class Trainer:
    def __init__(self, model, train_data, loss_func, args, device):
        self.model = model
        self.train_data = train_data
        self.loss_func = loss_func
        self.optim = make_optimizer(model.parameters(), args)
        self.args = args
        self.device = device

    def train_epoch(self):
        self.model.train()
        losses = []
        hidden = None
        for input, target, alive, fresh in self.train_data:
            input = torch.from_numpy(input).to(self.device)
            target = torch.from_numpy(target).to(self.device)
            alive = torch.from_numpy(alive).to(self.device)
            if hidden is None:
                hidden = self.model.init_hidden(input.size(1)).to(self.device)
            hidden = self.reset_hidden(hidden, fresh).detach()
            self.optim.zero_grad()
            output, hidden = self.model(input, hidden)
            loss = self.loss_func(self.model, output[alive], target[alive])
            loss.backward()
            self.optim.step()
            losses.append(loss.detach())
        return float(torch.stack(losses).mean())

    def reset_hidden(self, hidden, fresh):
        keep = torch.from_numpy(~fresh).to(hidden)[None, :, None]
        return hidden * keep

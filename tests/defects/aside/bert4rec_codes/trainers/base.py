from abc import ABCMeta, abstractmethod

import torch.optim as optim

from utils import AverageMeterSet


class AbstractTrainer(metaclass=ABCMeta):
    def __init__(self, args, model, train_loader):
        self.args = args
        self.device = args.device
        self.model = model.to(self.device)
        self.train_loader = train_loader
        self.optimizer = self._create_optimizer()
        if args.enable_lr_schedule:
            self.lr_scheduler = optim.lr_scheduler.StepLR(
                self.optimizer, step_size=args.decay_step, gamma=args.gamma
            )

    @classmethod
    @abstractmethod
    def code(cls):
        pass

    @abstractmethod
    def calculate_loss(self, batch):
        pass

    def train_one_epoch(self, epoch):
        self.model.train()
        average_meter_set = AverageMeterSet()
        for batch in self.train_loader:
            batch_size = batch[0].size(0)
            batch = [x.to(self.device) for x in batch]

            self.optimizer.zero_grad()
            loss = self.calculate_loss(batch)
            loss.backward()
            self.optimizer.step()

            average_meter_set.update("loss", loss.detach(), batch_size)
        if self.args.enable_lr_schedule:
            self.lr_scheduler.step()
        return average_meter_set["loss"].avg

    def _create_optimizer(self):
        args = self.args
        if args.optimizer.lower() == "adam":
            return optim.Adam(self.model.parameters(), lr=args.lr, weight_decay=args.weight_decay)
        elif args.optimizer.lower() == "sgd":
            return optim.SGD(self.model.parameters(), lr=args.lr, momentum=args.momentum)
        raise ValueError(args.optimizer)

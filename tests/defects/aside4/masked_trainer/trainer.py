import math

import torch
from torch.utils.data import DataLoader


def get_cosine_schedule_with_warmup(optimizer, num_warmup_steps, num_training_steps, floor=0.1):
    def lr_lambda(step):
        if step < num_warmup_steps:
            return (step + 1) / num_warmup_steps
        progress = min(1.0, (step - num_warmup_steps) / max(1, num_training_steps - num_warmup_steps))
        return floor + (1 - floor) * 0.5 * (1.0 + math.cos(math.pi * progress))

    return torch.optim.lr_scheduler.LambdaLR(optimizer, lr_lambda)


class Trainer:
    def __init__(self, model, args, train_dataset, data_collator, device):
        self.model = model
        self.args = args
        self.device = device
        self.train_dataset = train_dataset
        self.data_collator = data_collator
        self.generator = torch.Generator().manual_seed(args.seed)
        self.train_dataloader = self.get_train_dataloader()
        self.optimizer, self.lr_scheduler = self.create_optimizer_and_scheduler()

    def get_train_dataloader(self):
        return DataLoader(
            self.train_dataset,
            batch_size=self.args.batch_size,
            shuffle=True,
            collate_fn=self.data_collator,
            generator=self.generator,
        )

    def create_optimizer_and_scheduler(self):
        no_decay = ("bias", "norm", "LayerNorm", "embeddings")
        decayed, plain = [], []
        for name, parameter in self.model.named_parameters():
            (plain if any(part in name for part in no_decay) else decayed).append(parameter)
        groups = [
            {"params": decayed, "weight_decay": self.args.weight_decay},
            {"params": plain, "weight_decay": 0.0},
        ]
        optimizer = torch.optim.AdamW(groups, lr=self.args.learning_rate)
        total_steps = len(self.train_dataloader) * self.args.num_train_epochs
        scheduler = get_cosine_schedule_with_warmup(optimizer, self.args.warmup_steps, total_steps)
        return optimizer, scheduler

    def training_step(self, inputs):
        inputs = {name: tensor.to(self.device) for name, tensor in inputs.items()}
        loss = self.model(**inputs)["loss"]
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.args.max_grad_norm)
        self.optimizer.step()
        self.lr_scheduler.step()
        self.optimizer.zero_grad()
        return loss.detach()

    def train(self):
        while True:
            self.model.train()
            losses = [self.training_step(batch) for batch in self.train_dataloader]
            yield {"loss": float(torch.stack(losses).mean())}

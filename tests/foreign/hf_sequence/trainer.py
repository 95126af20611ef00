import json
import math
import os
from dataclasses import dataclass, field
from typing import Optional

import numpy as np
import torch
from torch.utils.data import DataLoader


@dataclass
class TrainingArguments:
    output_dir: str
    num_train_epochs: int = 20
    per_device_train_batch_size: int = 32
    learning_rate: float = 3e-3
    weight_decay: float = 0.01
    warmup_steps: int = 10
    max_grad_norm: float = 1.0
    logging_steps: int = 20
    seed: int = 42
    device: str = "cpu"


@dataclass
class TrainerState:
    epoch: float = 0.0
    global_step: int = 0
    max_steps: int = 0
    log_history: list = field(default_factory=list)
    best_metric: Optional[float] = None


class TrainerCallback:
    def on_epoch_end(self, args, state, **kwargs):
        pass

    def on_train_end(self, args, state, **kwargs):
        pass


def set_seed(seed):
    np.random.seed(seed)
    torch.manual_seed(seed)


class Trainer:
    def __init__(
        self,
        model,
        args,
        data_collator,
        train_dataset,
        eval_dataset=None,
        compute_metrics=None,
        callbacks=None,
    ):
        set_seed(args.seed)
        self.args = args
        self.model = model.to(args.device)
        self.data_collator = data_collator
        self.train_dataset = train_dataset
        self.eval_dataset = eval_dataset
        self.compute_metrics = compute_metrics
        self.callbacks = callbacks or []
        self.state = TrainerState()
        self.optimizer = None
        self.lr_scheduler = None

    def get_train_dataloader(self):
        return DataLoader(
            self.train_dataset,
            batch_size=self.args.per_device_train_batch_size,
            shuffle=True,
            collate_fn=self.data_collator,
        )

    def create_optimizer_and_scheduler(self, num_training_steps):
        decay = [p for p in self.model.parameters() if p.dim() > 1]
        other = [p for p in self.model.parameters() if p.dim() <= 1]
        groups = [
            {"params": decay, "weight_decay": self.args.weight_decay},
            {"params": other, "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=self.args.learning_rate)

        def factor(step):
            if step < self.args.warmup_steps:
                return step / max(1, self.args.warmup_steps)
            left = num_training_steps - step
            return max(0.1, left / max(1, num_training_steps - self.args.warmup_steps))

        self.lr_scheduler = torch.optim.lr_scheduler.LambdaLR(self.optimizer, factor)

    def compute_loss(self, model, inputs):
        outputs = model(**inputs)
        return outputs.loss

    def training_step(self, model, inputs):
        model.train()
        inputs = {name: value.to(self.args.device) for name, value in inputs.items()}
        loss = self.compute_loss(model, inputs)
        loss.backward()
        return loss.detach()

    def train(self):
        train_dataloader = self.get_train_dataloader()
        num_update_steps = len(train_dataloader)
        self.state.max_steps = math.ceil(self.args.num_train_epochs * num_update_steps)
        self.create_optimizer_and_scheduler(self.state.max_steps)
        return self._inner_training_loop(train_dataloader, num_update_steps)

    def _inner_training_loop(self, train_dataloader, num_update_steps):
        tr_loss = 0.0
        for epoch in range(self.args.num_train_epochs):
            for step, inputs in enumerate(train_dataloader):
                tr_loss += self.training_step(self.model, inputs).item()
                torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.args.max_grad_norm)
                self.optimizer.step()
                self.lr_scheduler.step()
                self.optimizer.zero_grad()
                self.state.global_step += 1
                self.state.epoch = epoch + (step + 1) / num_update_steps
                if self.state.global_step % self.args.logging_steps == 0:
                    self.log({"loss": tr_loss / self.args.logging_steps})
                    tr_loss = 0.0
            if self.eval_dataset is not None:
                self.evaluate()
            self._callback("on_epoch_end")
        self._callback("on_train_end")
        self.save_model()
        return self.state

    def _callback(self, name):
        for callback in self.callbacks:
            getattr(callback, name)(self.args, self.state, model=self.model)

    def log(self, logs):
        logs = {**logs, "epoch": round(self.state.epoch, 2)}
        self.state.log_history.append(logs)
        print(logs)

    @torch.no_grad()
    def evaluate(self):
        self.model.eval()
        metrics = self.compute_metrics(self.model, self.eval_dataset)
        self.log({"eval_" + name: value for name, value in metrics.items()})
        return metrics

    def save_model(self):
        self.model.save_pretrained(self.args.output_dir)
        with open(os.path.join(self.args.output_dir, "trainer_state.json"), "w") as f:
            json.dump(self.state.log_history, f)

import copy

import torch


class EarlyStopping:
    def __init__(self, monitor="val_ndcg", patience=5):
        self.monitor, self.patience = monitor, patience
        self.best, self.waited = float("-inf"), 0

    def on_validation_end(self, trainer, module, metrics):
        if metrics[self.monitor] > self.best:
            self.best, self.waited = metrics[self.monitor], 0
        else:
            self.waited += 1
            trainer.should_stop = self.waited >= self.patience


class ModelCheckpoint:
    def __init__(self, monitor="val_ndcg"):
        self.monitor = monitor
        self.best, self.best_state = float("-inf"), None

    def on_validation_end(self, trainer, module, metrics):
        if metrics[self.monitor] > self.best:
            self.best = metrics[self.monitor]
            self.best_state = copy.deepcopy(module.state_dict())


class Trainer:
    def __init__(self, max_epochs, device="cpu", callbacks=(), gradient_clip_val=1.0):
        self.max_epochs, self.device, self.callbacks = max_epochs, device, callbacks
        self.gradient_clip_val = gradient_clip_val
        self.should_stop = False

    def fit(self, module, datamodule):
        val_dataloader = datamodule.val_dataloader()
        for epoch, loss in enumerate(self.epochs(module, datamodule.train_dataloader())):
            metrics = self.validate(module, val_dataloader)
            print(f"epoch {epoch}: loss {loss:.4f} " + " ".join(f"{k} {v:.4f}" for k, v in metrics.items()))
            for callback in self.callbacks:
                callback.on_validation_end(self, module, metrics)
            if self.should_stop:
                break

    def epochs(self, module, dataloader):
        """Trains one epoch after the other and yields the mean loss of each"""
        optimizer, scheduler = module.configure_optimizers()
        for _ in range(self.max_epochs):
            module.train()
            losses = []
            for batch in dataloader:
                loss = module.training_step(self.to_device(batch))
                optimizer.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(module.parameters(), self.gradient_clip_val)
                optimizer.step()
                losses.append(loss.detach())
            scheduler.step()
            yield torch.stack(losses).mean().item()

    @torch.no_grad()
    def validate(self, module, dataloader):
        module.eval()
        outputs = [module.validation_step(self.to_device(batch)) for batch in dataloader]
        return {name: torch.cat([out[name] for out in outputs]).mean().item() for name in outputs[0]}

    def to_device(self, batch):
        return {name: value.to(self.device) for name, value in batch.items()}

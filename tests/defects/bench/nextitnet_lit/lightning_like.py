"""A very small trainer: modules say what a step is, the trainer says when."""


class Callback:
    def on_epoch_start(self, trainer, module):
        pass

    def on_batch_end(self, trainer, module, out):
        pass

    def on_epoch_end(self, trainer, module):
        pass


class LossMeter(Callback):
    def on_epoch_start(self, trainer, module):
        self.values = []

    def on_batch_end(self, trainer, module, out):
        self.values.append(out.detach())

    def on_epoch_end(self, trainer, module):
        trainer.logs["loss"] = float(sum(self.values) / len(self.values))


class EMA(Callback):
    """Keeps a moving average of the weights, which is what serves."""

    def __init__(self, decay):
        self.decay = decay
        self.shadow = None

    def on_batch_end(self, trainer, module, out):
        state = module.state_dict()
        if self.shadow is None:
            self.shadow = {k: v.clone() for k, v in state.items()}
            return
        for k, v in state.items():
            self.shadow[k].mul_(self.decay).add_(v, alpha=1 - self.decay)


class MiniTrainer:
    def __init__(self, callbacks=(), grad_clip=None, accumulate=1):
        self.callbacks = list(callbacks)
        self.grad_clip = grad_clip
        self.accumulate = accumulate
        self.logs = {}

    def _call(self, hook, *args):
        for cb in self.callbacks:
            getattr(cb, hook)(self, *args)

    def attach(self, module):
        self.optimizer, self.scheduler = module.configure_optimizers()

    def loop(self, module, dataloader):
        module.train()
        self._call("on_epoch_start", module)
        for i, batch in enumerate(dataloader):
            loss = module.training_step(batch, i)
            (loss / self.accumulate).backward()
            if (i + 1) % self.accumulate == 0:
                if self.grad_clip:
                    module.clip(self.grad_clip)
                self.optimizer.step()
                self.optimizer.zero_grad()
            self._call("on_batch_end", module, loss)
        if self.scheduler is not None:
            self.scheduler.step()
        self._call("on_epoch_end", module)
        return dict(self.logs)

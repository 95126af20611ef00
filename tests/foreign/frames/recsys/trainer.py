import os


class Trainer:
    """Fits a module for some epochs and tells callbacks."""

    def __init__(
        self, max_epochs=10, callbacks=(), gradient_clip_val=None, default_root_dir="lightning_logs"
    ):
        self.max_epochs = max_epochs
        self.callbacks = list(callbacks)
        self.gradient_clip_val = gradient_clip_val
        self.default_root_dir = default_root_dir
        self.callback_metrics = {}
        self.current_epoch = 0
        self.global_step = 0
        self.should_stop = False
        os.makedirs(default_root_dir, exist_ok=True)

    def _tell(self, hook, module):
        for callback in self.callbacks:
            getattr(callback, hook)(self, module)

    def fit(self, module, datamodule):
        module.trainer = self
        datamodule.setup("fit")
        loader = datamodule.train_dataloader()
        optimizer = module.configure_optimizers()
        self._tell("on_fit_start", module)
        while self.current_epoch < self.max_epochs and not self.should_stop:
            self._run_epoch(module, loader, optimizer)
            self._tell("on_train_epoch_end", module)
            self.current_epoch += 1
        self._tell("on_fit_end", module)

    def _run_epoch(self, module, loader, optimizer):
        from torch.nn.utils import clip_grad_norm_

        module.train()
        for batch_idx, batch in enumerate(loader):
            loss = module.training_step(batch, batch_idx)
            optimizer.zero_grad()
            loss.backward()
            if self.gradient_clip_val is not None:
                clip_grad_norm_(module.parameters(), self.gradient_clip_val)
            optimizer.step()
            self.global_step += 1

import copy
import csv
import os

import torch


class Callback:
    def on_fit_start(self, trainer, module):
        pass

    def on_train_epoch_end(self, trainer, module):
        pass

    def on_fit_end(self, trainer, module):
        pass


class RecallCallback(Callback):
    """Recall of held out events by the whole recommender, as a user would call it."""

    def __init__(self, recommender, dataset, held_out, k=10):
        self.recommender, self.dataset, self.held_out, self.k = recommender, dataset, held_out, k

    def on_train_epoch_end(self, trainer, module):
        users = self.held_out["user_id"].unique(maintain_order=True)
        lists = self.recommender.recommend(users, self.dataset, self.k, filter_viewed=False)
        hits = lists.join(self.held_out, on=["user_id", "item_id"], how="inner")
        trainer.callback_metrics["recall"] = hits.height / max(1, self.held_out.height)


class BestState(Callback):
    """Keeps the state with the best value of a metric, and gives it back at the end."""

    def __init__(self, monitor, folder):
        self.monitor, self.folder, self.best, self.state = monitor, folder, float("-inf"), None

    def on_train_epoch_end(self, trainer, module):
        value = trainer.callback_metrics[self.monitor]
        if value > self.best:
            self.best, self.state = value, copy.deepcopy(module.state_dict())
            torch.save(
                {"state_dict": self.state, "epoch": trainer.current_epoch},
                os.path.join(self.folder, "best.ckpt"),
            )

    def on_fit_end(self, trainer, module):
        if self.state is not None:
            module.load_state_dict(self.state)


class EarlyStopping(Callback):
    def __init__(self, monitor, patience=5):
        self.monitor, self.patience, self.best, self.waited = monitor, patience, float("-inf"), 0

    def on_train_epoch_end(self, trainer, module):
        value = trainer.callback_metrics[self.monitor]
        if value > self.best:
            self.best, self.waited = value, 0
        else:
            self.waited += 1
            trainer.should_stop = trainer.should_stop or self.waited >= self.patience


class CsvLog(Callback):
    def __init__(self, folder):
        self.path = os.path.join(folder, "metrics.csv")

    def on_train_epoch_end(self, trainer, module):
        new = not os.path.exists(self.path)
        with open(self.path, "a", newline="") as f:
            out = csv.writer(f)
            if new:
                out.writerow(["epoch", *sorted(trainer.callback_metrics)])
            out.writerow([trainer.current_epoch, *(v for _, v in sorted(trainer.callback_metrics.items()))])

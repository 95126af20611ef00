import numpy as np
import polars as pl
import torch

from .callbacks import BestState, CsvLog, EarlyStopping, RecallCallback
from .columns import Columns
from .datamodule import DataModule
from .module import TwoTower
from .trainer import Trainer


class TwoTowerRecommender:
    """fit(dataset), then recommend(users, dataset, k, filter_viewed) -> a frame."""

    def __init__(self, dim=32, window=10, batch_size=256, max_epochs=30, root="lightning_logs"):
        self.dim, self.window, self.batch_size = dim, window, batch_size
        self.max_epochs, self.root = max_epochs, root
        self.module = None

    def fit(self, dataset, held_out=None):
        counts = np.bincount(
            dataset.interactions[Columns.Item].to_numpy(), minlength=dataset.item_id_map.size
        )
        self.module = TwoTower(dataset.item_id_map.size, dataset.item_categories, counts, dim=self.dim)
        callbacks = []
        if held_out is not None:
            callbacks = [
                RecallCallback(self, dataset, held_out),
                EarlyStopping("recall", patience=8),
                BestState("recall", self.root),
                CsvLog(self.root),
            ]
        trainer = Trainer(max_epochs=self.max_epochs, callbacks=callbacks, default_root_dir=self.root)
        trainer.fit(self.module, DataModule(dataset, self.window, self.batch_size))
        return self

    @torch.no_grad()
    def recommend(self, users, dataset, k, filter_viewed=True):
        """users: external ids -> frame of user_id, item_id, score, rank"""
        self.module.eval()
        sequences = dataset.sequences()
        numbers = dataset.user_id_map.convert_to_internal(users)
        contexts = np.full((len(numbers), self.window), -1, dtype=np.int64)
        for row, number in enumerate(numbers):
            items = sequences[number][-self.window :]
            contexts[row, self.window - len(items) :] = items
        scores = self.module(torch.from_numpy(contexts))
        if filter_viewed:
            for row, number in enumerate(numbers):
                scores[row, sequences[number]] = -torch.inf
        best = torch.topk(scores, min(k, scores.shape[1]), dim=1)
        keep = np.isfinite(best.values.numpy()).ravel()
        rows = np.repeat(np.arange(len(numbers)), best.indices.shape[1])[keep]
        return pl.DataFrame(
            {
                Columns.User: dataset.user_id_map.convert_to_external(numbers[rows]),
                Columns.Item: dataset.item_id_map.convert_to_external(best.indices.numpy().ravel()[keep]),
                Columns.Score: best.values.numpy().ravel()[keep],
            }
        ).with_columns((pl.int_range(pl.len()).over(Columns.User) + 1).alias(Columns.Rank))

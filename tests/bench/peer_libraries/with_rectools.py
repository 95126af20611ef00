"""RecTools' SASRec behind the contract of a seed: `fit` by epochs, `score` of all items, states.

It reads times to order events; the place in a user's history stands for them. It trains on a user's newest max_len + 1
events alone, so each window of a history is handed to it as a user: with that it trains on the targets that our seeds do.
"""

import logging
import re
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import torch
from pytorch_lightning import Trainer, seed_everything
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import SASRecModel
from rectools.models.nn.item_net import CatFeaturesItemNet, IdEmbeddingsItemNet

from .handover import WORDS, places, windows_of

OF_WORDS = "SASRec of words"
STEP = pd.Timedelta(days=1)


class Recommender:
    """settings: of our seed, by our names."""

    def __init__(self, model: str, training: Any, settings: dict[str, Any], seed: int) -> None:
        warnings.filterwarnings("ignore")
        logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
        seed_everything(seed)
        of_words = model == OF_WORDS
        self.n_items = training.n_items
        self.length = settings["max_len"]
        self.dataset = Dataset.construct(
            _events(training, self.length),
            item_features_df=_words(training) if of_words else None,
            cat_item_features=["word"] if of_words else (),
        )
        self.model = SASRecModel(
            n_blocks=settings["n_blocks"],
            n_heads=settings["n_heads"],
            n_factors=settings["dim"],
            dropout_rate=settings["dropout"],
            session_max_len=self.length,
            loss="BCE",
            n_negatives=1,
            lr=settings["learning_rate"],
            batch_size=settings["batch_size"],
            item_net_block_types=(CatFeaturesItemNet,) if of_words else (IdEmbeddingsItemNet,),
            get_trainer_func=_trainer,
        )

    def fit(self) -> Iterator[None]:
        """Train for one epoch at a time."""
        while True:
            self.model.fit_partial(self.dataset, min_epochs=1, max_epochs=1)
            self.ids = self._ids()
            yield

    def read_by(self, limit: Any) -> None:
        """Have training batches counted and ended by `limit`, as speed is measured."""
        preparator = self.model.data_preparator
        own = preparator.get_dataloader_train
        made: list[Any] = []  # once, as by `fit`

        def limited() -> Any:
            if not made:
                made.append(limit(own(), lambda batch: int((batch["y"] != 0).sum())))
            return made[0]

        preparator.get_dataloader_train = limited

    def _ids(self) -> np.ndarray:
        """RecTools' number of each of our items, (n_items + 1,); 0 for those that no training event has."""
        known = self.model.data_preparator.item_id_map
        ids = np.zeros(self.n_items + 1, np.int64)
        ours = known.external_ids[self.model.data_preparator.n_item_extra_tokens :].astype(np.int64)
        ids[ours] = known.convert_to_internal(ours)
        return ids

    @torch.no_grad()
    def score(self, users: np.ndarray, histories: np.ndarray) -> np.ndarray:
        """users (B,), histories (B, L) -> (B, n_items + 1); -inf for items that the library has not seen."""
        network = self.model.torch_model.eval()
        read = np.zeros((len(histories), self.length), np.int64)
        for row, history in enumerate(histories):
            known = self.ids[history]
            known = known[known > 0][-self.length :]
            read[row, self.length - len(known) :] = known
        vectors = network.item_model.get_all_embeddings()
        newest = network.encode_sessions({"x": torch.from_numpy(read)}, vectors)[:, -1]
        scores = (newest @ vectors.T).numpy()
        return np.where(self.ids > 0, scores[:, self.ids], -np.inf)

    def rank(self, users: np.ndarray, k: int) -> None:
        """The k best unseen items of these users, as the library itself finds them."""
        known = self.dataset.user_id_map.external_ids[: len(users)]  # as many windows as there are users
        self.model.recommend(known, self.dataset, k, filter_viewed=True)

    def state_dict(self) -> dict[str, torch.Tensor]:
        return self.model.torch_model.state_dict()

    def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
        self.model.torch_model.load_state_dict(state)


def _trainer() -> Trainer:
    return Trainer(
        max_epochs=1,
        accelerator="cpu",
        devices=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def _events(training: Any, max_len: int) -> pd.DataFrame:
    """The events of all windows: as our seeds cut them, from the newest event backwards, an event more than targets."""
    place, windows = windows_of(training, max_len)
    return pd.DataFrame(
        {
            Columns.User: windows,
            Columns.Item: training.items[place],
            Columns.Weight: 1.0,
            Columns.Datetime: pd.Timestamp("2020-01-01") + places(training)[place] * STEP,
        }
    )


def _words(training: Any) -> pd.DataFrame:
    """A row for each word of each item that has events; RecTools takes features of such items alone."""
    rows = []
    for item in np.unique(training.items).tolist():
        found: set[str] = set()
        for column in WORDS:
            entry = getattr(training.item_columns, column)[item]
            found |= set(re.findall(r"\w+", (entry if isinstance(entry, str) else " ".join(entry)).lower()))
        rows += [(item, word, "word") for word in sorted(found)]
    return pd.DataFrame(rows, columns=["id", "value", "feature"])

"""RecBole's models behind the contract of a seed: `fit` by epochs, `score` of all items, states.

RecBole 1.2.1 was written for older libraries: it sets names in numpy that numpy 1.24 took out (which works up to 1.26) and
calls `dok_matrix._update`, which scipy took out. `recbole.quick_start` needs ray and is not imported.
"""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from recbole.config import Config
from recbole.data import create_dataset, create_samplers
from recbole.data.interaction import Interaction
from recbole.data.utils import get_dataloader
from recbole.trainer import Trainer
from recbole.utils import get_model, init_seed
from scipy.sparse import dok_matrix

from .handover import places

if not hasattr(dok_matrix, "_update"):
    dok_matrix._update = lambda self, entries: self._dict.update(entries)

_SEQUENTIAL = ("SASRec", "GRU4Rec")
ALL_TRAINING = {"split": {"RS": [1, 0, 0]}, "order": "TO", "group_by": "none", "mode": "full"}


class Recommender:
    """settings: of our seed, by our names, and whatever else the library has of its own."""

    def __init__(self, model: str, training: Any, settings: dict[str, Any], seed: int) -> None:
        logging.disable(logging.WARNING)
        self.n_items = training.n_items
        self.sequential = model in _SEQUENTIAL
        folder = Path.cwd() / "recbole"
        _write_log(training, folder / "log")
        config = Config(
            model=model, dataset="log", config_dict={**_common(folder, seed), **_own(model, settings)}
        )
        init_seed(seed, reproducibility=True)
        dataset = create_dataset(config)
        parts = dataset.build()
        sampler, *_ = create_samplers(config, dataset, parts)
        self.data = get_dataloader(config, "train")(config, parts[0], sampler, shuffle=True)
        init_seed(seed, reproducibility=True)
        self.model = get_model(config["model"])(config, self.data._dataset)
        self.trainer = Trainer(config, self.model)
        self.length = config["MAX_ITEM_LIST_LENGTH"]
        self.items = _numbers(dataset, dataset.iid_field, training.n_items)
        self.users = _numbers(dataset, dataset.uid_field, training.n_users)

    def fit(self) -> Iterator[None]:
        """Train for one epoch at a time."""
        epoch = 0
        while True:
            self.trainer._train_epoch(self.data, epoch)
            epoch += 1
            yield

    def read_by(self, limit: Any) -> None:
        """Have training batches counted and ended by `limit`, as speed is measured."""
        self.data = limit(self.data, len)

    @torch.no_grad()
    def score(self, users: np.ndarray, histories: np.ndarray) -> np.ndarray:
        """users (B,), histories (B, L) -> (B, n_items + 1); -inf for items that the library has not seen."""
        self.model.eval()
        self.model.restore_user_e = self.model.restore_item_e = (
            None  # graph models keep those of an earlier epoch
        )
        asked: dict[str, torch.Tensor] = {"user_id": torch.from_numpy(self.users[users])}
        if self.sequential:
            asked |= self._histories(histories)
        scores = self._all(Interaction(asked), len(users)).numpy()
        return np.where(self.items > 0, scores[:, self.items], -np.inf)

    def _all(self, asked: Interaction, n: int) -> torch.Tensor:
        """(n, RecBole's items). A model without `full_sort_predict` is asked for every pair, as RecBole does."""
        n_items = self.model.n_items
        try:
            return self.model.full_sort_predict(asked).view(n, n_items)
        except NotImplementedError:
            every = torch.arange(n_items)
            rows = [
                self.model.forward(
                    user.expand(n_items), every
                )  # logits: the sigmoid of `predict` rounds to ties
                for user in asked["user_id"]
            ]
            return torch.stack(rows)

    def _histories(self, histories: np.ndarray) -> dict[str, torch.Tensor]:
        """Padded on the right, as RecBole has them."""
        read = np.zeros((len(histories), self.length), np.int64)
        lengths = np.ones(len(histories), np.int64)
        for row, history in enumerate(histories):
            known = self.items[history]
            known = known[known > 0][-self.length :]
            read[row, : len(known)] = known
            lengths[row] = max(len(known), 1)
        return {"item_id_list": torch.from_numpy(read), "item_length": torch.from_numpy(lengths)}

    def state_dict(self) -> dict[str, torch.Tensor]:
        return self.model.state_dict()

    def load_state_dict(self, state: dict[str, torch.Tensor]) -> None:
        self.model.load_state_dict(state)


def _common(folder: Path, seed: int) -> dict[str, Any]:
    return {
        "data_path": str(folder),
        "checkpoint_dir": str(folder / "saved"),
        "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
        "eval_args": ALL_TRAINING,
        "use_gpu": False,
        "show_progress": False,
        "state": "ERROR",
        "seed": seed,
    }


def _own(model: str, settings: dict[str, Any]) -> dict[str, Any]:
    """RecBole's names of a seed's settings. Batches hold as many events as the seed's, and their negatives."""
    batch, window = settings.get("batch_size"), settings.get("max_len", 50)
    own: dict[str, Any] = {"learning_rate": settings["learning_rate"], "MAX_ITEM_LIST_LENGTH": window}
    one_negative = {
        "distribution": "uniform",
        "sample_num": 1,
        "alpha": 1.0,
        "dynamic": False,
        "candidate_num": 0,
    }
    if model in _SEQUENTIAL:
        loss = settings.get("loss_type", "BPR")
        own |= {"loss_type": loss, "train_neg_sample_args": one_negative if loss == "BPR" else None}
        own |= {"train_batch_size": batch * window}
    if model == "SASRec":
        own |= {name: settings[name] for name in ("n_heads",)}
        own |= {
            "n_layers": settings["n_blocks"],
            "hidden_size": settings["dim"],
            "inner_size": settings["dim"],
        }
        own |= {
            "hidden_dropout_prob": settings["dropout"],
            "attn_dropout_prob": settings["dropout"],
            "hidden_act": "relu",
        }
    if model == "GRU4Rec":
        own |= {"embedding_size": settings["dim"], "hidden_size": settings["dim"]}
        own |= {"num_layers": settings["n_layers"], "dropout_prob": settings["dropout"], "learner": "adagrad"}
    if model == "NeuMF":
        negatives = settings["n_negatives"]
        own |= {"mf_embedding_size": settings["dim"], "mlp_embedding_size": settings["layers"][0] // 2}
        own |= {"mlp_hidden_size": list(settings["layers"][1:]), "dropout_prob": 0.0}
        own |= {"train_batch_size": batch * (1 + negatives)}
        own |= {"train_neg_sample_args": {**one_negative, "sample_num": negatives}}
    if model in ("NGCF", "LightGCN"):
        own |= {"embedding_size": settings["dim"], "reg_weight": settings["weight_decay"]}
        own |= {
            "train_batch_size": batch,
            "train_neg_sample_args": one_negative,
            "n_layers": settings["n_layers"],
        }
        own |= {
            "hidden_size_list": [settings["dim"]] * settings["n_layers"],
            "message_dropout": settings["dropout"],
        }
        own |= {
            "require_pow": model == "LightGCN"
        }  # squares, as in the paper; NGCF's penalty here is a length
    return own


def _write_log(training: Any, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    table = np.stack([training.users, training.items, places(training)], 1)
    header = "user_id:token\titem_id:token\ttimestamp:float"
    np.savetxt(folder / "log.inter", table, fmt="%d", delimiter="\t", header=header, comments="")


def _numbers(dataset: Any, field: str, n: int) -> np.ndarray:
    """RecBole's number of each of our ids, (n + 1,); 0 for those that no training event has."""
    ids = np.zeros(n + 1, np.int64)
    for token, number in dataset.field2token_id[field].items():
        if token != "[PAD]":
            ids[int(token)] = number
    return ids

"""What `build()` returns."""

import copy

import numpy as np

from .ids import Ids
from .scoring import _chosen, _found


class Recommender:
    """What `build()` returns: `run` trains it, `score` asks it, `table` is what it is asked with.

    model: the variable of the program that holds it. score: one of `kit.scores`, or a function (model, users, histories) of the
    adapter's; users and histories are in the repo's numbering `ids`, and column j of the answer is the repo's item j. table: path
    to the item embeddings that scoring multiplies, row j the repo's item j, or a function of the model. kept: attributes of a
    torch model that hold what its last step has computed, where scoring needs them: they become part of the state, and before the
    first step all scores are 0.
    """

    def __init__(self, data, run, *, model="model", score, ids=None, table=None, kept=()):
        self.run, self._name, self._score, self._table = run, model, score, table
        self._kept = [kept] if isinstance(kept, str) else list(kept)
        self._ids = ids or (lambda: Ids(data))
        run.start()
        self.model = None
        self._take_model(must=False)

    def fit(self):
        if self.run.ended:
            self.run.restart()
        while True:
            told = self.run.epoch()
            if told is None:
                return
            self._take_model()
            yield told

    def score(self, users, histories):
        ids = self.ids
        self._take_model()
        if self._is_untrained():
            return np.zeros((len(users), len(ids.items)), np.float32)
        given = (ids.users[np.asarray(users)], ids.histories(histories))
        told = self._score(
            self.model, *given, *([ids] if getattr(self._score, "__module__", None) == __name__ else [])
        )
        told = told if hasattr(told, "shape") else np.asarray(told)
        columns = ids.columns(told.shape[1])
        return told if np.array_equal(columns, np.arange(told.shape[1])) else _chosen(told, columns)

    def item_embeddings(self):
        if self._table is None:
            return None
        self._take_model()
        if self._is_untrained():
            return np.zeros((len(self.ids.items), 1), np.float32)
        table = _found(self.model, self._table)
        table = table() if callable(table) else table
        columns = self.ids.columns(len(table))
        table = table.detach().cpu().numpy() if hasattr(table, "detach") else np.asarray(table)
        rows = np.concatenate([table, np.zeros((2, table.shape[1]), table.dtype)])
        return rows[np.where(columns < 0, len(table), columns)]

    @property
    def ids(self):
        """The numbering; one that only the program knows is asked for when it is needed: ids=lambda: Ids(data, items=run["item_map"])."""
        if callable(self._ids):
            self._ids = self._ids()
        self._ids.run = self.run
        return self._ids

    def _take_model(self, must=True):
        try:
            self.model = self.run[self._name]
        except LookupError:
            if must and self.model is None:
                raise

    def _is_untrained(self):
        return any(_found(self.model, path) is None for path in self._kept)

    def _state(self):
        held = {path: _found(self.model, path) for path in self._kept}
        held = {path: None if one is None else one.detach().clone() for path, one in held.items()}
        return {"model": self.model.state_dict(), "kept": held}

    def _load(self, state):
        self.model.load_state_dict(state["model"])
        for path, value in state["kept"].items():
            owner, _, name = path.rpartition(".")
            setattr(_found(self.model, owner) if owner else self.model, name, value)

    def __getattr__(self, name):
        """A model without torch has its state in its arrays; one of torch's that keeps what a step computed, there as well."""
        model = self.__dict__.get("model")
        if name not in ("state_dict", "load_state_dict") or model is None:
            raise AttributeError(name)
        if hasattr(model, "modules"):
            if not self.__dict__.get("_kept"):
                raise AttributeError(name)
            return self._state if name == "state_dict" else self._load
        return (
            (lambda: copy.deepcopy(_arrays(model)))
            if name == "state_dict"
            else (lambda state: vars(model).update(copy.deepcopy(state)))
        )


def _arrays(model):
    return {name: value for name, value in vars(model).items() if isinstance(value, np.ndarray)}

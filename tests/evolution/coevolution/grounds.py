"""Trials with a known fault on the micro shop, trained in real workers, and occasions to try probes on them."""

import sys
from collections.abc import Callable
from pathlib import Path

from diagnosis.coevolution.complaints import Complaint
from diagnosis.evidence import load_artifacts
from evolution.coevolution.admission_context import AdmissionContext, open_context
from evolution.coevolution.complainants import Complainants, complainants_of
from evolution.coevolution.probe_runner import ProbeRunner
from evolution.domain.trial import TrialStatus
from evolution.repo.config import Config, DataSection, RecommenderSection, TrainingSection
from evolution.trials.analysis import analyse
from evolution.trials.data import TrialData, prepare
from evolution.trials.identity import trial_key
from evolution.trials.request import Supervision, TrialRequest
from evolution.trials.run import run_trial

# What is added to a Markov recommender's scores, per item (n,) or per item of the last pick's kind.
FAULTS = {
    "plain": "np.zeros(size)",
    "dear": "20 * price / price.max()",
    "one-store": "20.0 * (store == np.bincount(store[1:]).argmax())",
    "low-rated": "-20 * rating / 5",
    "high-rated": "20 * rating / 5",
    "rare": "-20.0 * np.bincount(data.items, minlength=size) / np.bincount(data.items).max()",
    "last-kind": "np.zeros(size)",
}
MODEL = """
import numpy as np


class Faulty:
    def __init__(self, data, seed):
        self.data = data
        size = data.n_items + 1
        self.table = np.random.default_rng(seed).normal(size=(size, size)).astype("f4") * 0.01
        columns = data.item_columns
        price = np.nan_to_num(np.asarray(columns["price"], "f4"))
        rating = np.nan_to_num(np.asarray(columns["average_rating"], "f4"), nan=3.0)
        names = {name: i for i, name in enumerate(dict.fromkeys(columns["store"]))}
        store = np.array([names[name] for name in columns["store"]])
        kinds = {tuple(path): i for i, path in enumerate(dict.fromkeys(map(tuple, columns["categories"])))}
        self.kind = np.array([kinds[tuple(path)] for path in columns["categories"]])
        self.fault = FAULT
        self.trained = 0.0

    def fit(self):
        users, items = self.data.users, self.data.items
        follows = users[1:] == users[:-1]
        for epoch in range(2):
            np.add.at(self.table, (items[:-1][follows], items[1:][follows]), 1.0)
            self.trained = 1.0
            yield {"loss": 1.0 / (epoch + 1)}

    def score(self, users, histories):
        last = histories[:, -1]
        same = LAST_KIND * (self.kind[last][:, None] == self.kind[None, :])
        return (self.table[last] + self.trained * (self.fault[None, :] + same)).astype("f4")

    def state_dict(self):
        return {"table": self.table, "trained": np.array([self.trained])}

    def load_state_dict(self, state):
        self.table, self.trained = state["table"], float(state["trained"][0])


def build(data, *, device, seed):
    return Faulty(data, seed)
"""


def faulty_model(name: str) -> str:
    """The source of a recommender with one fault."""
    return MODEL.replace("FAULT", FAULTS[name]).replace("LAST_KIND", "20.0" if name == "last-kind" else "0.0")


class Grounds:
    """train: name of a fault -> its trial's folder. What is made once is kept."""

    def __init__(self, data: TrialData, train: Callable[[str], Path]) -> None:
        self._data, self._train = data, train
        self._folders: dict[str, Path] = {}
        self._occasions: dict[str, AdmissionContext] = {}
        self._voices: dict[str, Complainants] = {}
        self.bench = ProbeRunner(data=data)

    def folder(self, name: str) -> Path:
        if name not in self._folders:
            self._folders[name] = self._train(name)
        return self._folders[name]

    def occasion(self, name: str) -> AdmissionContext:
        """The trial called `name` is complained of; two others are the archive."""
        if name not in self._occasions:
            others = {other: self.folder(other) for other in ("plain", "one-store") if other != name}
            built_in = {other: analyse(folder, self._data) for other, folder in others.items()}
            self._occasions[name] = open_context(self.bench, self.folder(name), others, built_in, ())
        return self._occasions[name]

    def complaint(self, name: str, code: str) -> Complaint:
        """With the users who say so of the trial."""
        if name not in self._voices:
            top = load_artifacts(self.folder(name) / "artifacts").top.items
            self._voices[name] = complainants_of(
                self._data.training, self._data.validation, top, n_users=300, seed=0
            )
        complaining, content = self._voices[name].of((code,))
        signal = code.partition("-")[2]
        return Complaint(code=code, signal=signal, message=code, complaining=complaining, content=content)


def grounds_in(folder: Path) -> Grounds:
    """Trials of the faulty models on the micro shop, trained when they are first asked for."""
    config = Config(
        recommender=RecommenderSection(entry="model:build", max_history=50),
        data=DataSection(source="shop-micro"),
        training=TrainingSection(max_epochs=2, timeout_s=120.0, memory_gb=2.0),
    )
    data = prepare(config, folder)

    def train(name: str) -> Path:
        repo = folder / f"repo-{name}"
        repo.mkdir()
        (repo / "model.py").write_text(faulty_model(name), encoding="utf-8")
        key = trial_key(config, program="0" * 40, data=data.fingerprint, seed=0, device="cpu/1")
        request = TrialRequest(
            id=name,
            key=key,
            repo=repo,
            checkout=repo,
            folder=folder / "trials" / name,
            config=config,
            data=data,
            python=Path(sys.executable),
        )
        trial = run_trial(request, Supervision())
        assert trial.status is TrialStatus.COMPLETE, trial.failure
        return request.folder

    return Grounds(data, train)

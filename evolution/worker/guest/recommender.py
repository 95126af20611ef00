"""The candidate's recommender behind one face: every call into it, guarded, timed and checked."""

from __future__ import annotations

import contextlib
import copy
import inspect
import pickle
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .failures import ContractBroken, is_out_of_memory
from .randomness import kept_random_states, seed_everything
from .ranking import as_numpy, check_finite, checked_scores, finite_scores, top_unseen
from .training_data import QuestionSet

BATCH_BYTES = 16 << 20  # of float32 scores on CPU; larger batches fall out of the cache
GPU_BATCH_BYTES = 256 << 20
MAX_BATCH = 2048


def check_takes(build: Callable[..., Any], data: Any, *, device: str, seed: int) -> None:
    """Raises ContractBroken where build() cannot be called as it will be."""
    try:
        inspect.signature(build).bind(data, device=device, seed=seed)
    except TypeError as error:
        raise ContractBroken(
            f"what recommender.entry names cannot be called as build(): {error}; expected `def build(data, *, device, seed)`"
        ) from None
    except ValueError:
        pass  # not every callable tells its signature


class CheckedRecommender:
    """One recommender, built. score_s: seconds spent inside its score(). epochs: what fit() returned, None before it is
    called."""

    def __init__(self, build: Callable[..., Any], data: Any, *, device: str, seed: int) -> None:
        check_takes(build, data, device=device, seed=seed)
        seed_everything(seed)
        self.model = build(data, device=device, seed=seed)
        for name in ("fit", "score"):
            if not callable(getattr(self.model, name, None)):
                kind = "None" if self.model is None else f"a {type(self.model).__name__} without {name}()"
                raise ContractBroken(
                    f"build() returned {kind}; expected a recommender with fit() and score(users, histories)"
                )
        self.n_items = int(data.n_items)
        self.score_s = 0.0
        self.epochs: Iterator[Any] | None = None
        self._batch = self._times_asked = 0
        self._on_gpu = device != "cpu"

    # -- training

    def epoch(self) -> dict[str, float] | None:
        """Advance fit() by one epoch; what it reports, None once it has ended."""
        if self.epochs is None:
            self.epochs = _epochs_of(self.model.fit())
        reported = next(self.epochs, None)
        return None if reported is None else _floats(reported)

    # -- scoring

    def score(self, users: np.ndarray, histories: np.ndarray) -> Any:
        """Checked scores (B, n_items + 1) as the candidate returned them, torch or numpy."""
        started = time.perf_counter()
        try:
            scores = self.model.score(users, histories)
            _wait_for_gpu(scores)
        finally:
            self.score_s += time.perf_counter() - started
        return checked_scores(scores, len(users), self.n_items)

    def dense(self, users: np.ndarray, histories: np.ndarray) -> np.ndarray:
        """Scores as float32 on the CPU: (B, n_items + 1). Minus infinity becomes less than the row's least score.

        Raises NotFinite. Column 0 is 0.
        """
        plain = as_numpy(self.score(users, histories))
        plain[:, 0] = 0.0
        check_finite(plain)
        return finite_scores(plain)

    def dense_of(self, questions: QuestionSet, max_history: int) -> np.ndarray:
        """float32 (Q, n_items + 1) of a small set of questions."""
        return self._in_batches(
            np.arange(len(questions)),
            lambda rows: (self.dense(questions.users[rows], questions.histories(rows, max_history)),),
        )[0]

    def rank(self, questions: QuestionSet, max_history: int, k: int) -> tuple[np.ndarray, ...]:
        """items int32 (Q, k), scores float32 (Q, k), ties int32 (Q, 2), as `ranking.top_unseen` has them."""

        def of_batch(rows: np.ndarray) -> tuple[np.ndarray, ...]:
            scores = self.score(questions.users[rows], questions.histories(rows, max_history))
            return top_unseen(scores, questions.seen(rows), k, rows)

        parts = self._in_batches(questions.by_length, of_batch)
        placed = tuple(np.empty_like(part) for part in parts)
        for target, part in zip(placed, parts):
            target[questions.by_length] = part
        return placed

    def instruct(self, users: np.ndarray, texts: list[str]) -> bool:
        """Tell it what each of these users, int64 (B,), wishes at this moment; False where it cannot be told anything."""
        offered = getattr(self.model, "instruct", None)
        if not callable(offered):
            return False
        if len(users):
            with self.at_rest():
                offered(users, texts)
        return True

    def _in_batches(
        self, rows: np.ndarray, work: Callable[..., tuple[np.ndarray, ...]]
    ) -> tuple[np.ndarray, ...]:
        """The results of `work`, joined. Where a batch does not fit in memory, it is halved for good."""
        budget = GPU_BATCH_BYTES if self._on_gpu else BATCH_BYTES
        self._batch = self._batch or int(min(MAX_BATCH, max(16, budget // (4 * (self.n_items + 1)))))
        results, at = [], 0
        with self.at_rest():
            while at < len(rows):
                try:
                    results.append(work(rows[at : at + self._batch]))
                except Exception as error:
                    if self._batch == 1 or not is_out_of_memory(error):
                        raise
                    self._batch //= 2
                    _free_gpu()
                else:
                    at += self._batch
        return tuple(np.concatenate(part) for part in zip(*results))

    def padding_scores(self, users: np.ndarray, histories: np.ndarray) -> list[float | None]:
        """What the recommender itself says of column 0, which is padding, for each row; None where it is not finite."""
        column = as_numpy(self.score(users, histories))[:, 0]
        return [float(value) if np.isfinite(value) else None for value in column]

    @contextlib.contextmanager
    def at_rest(self, seed: int | None = None) -> Iterator[None]:
        """Evaluation mode, no gradients; modes and random states are as before afterwards.

        Whoever draws random numbers while scoring draws others each time, so that it shows, unless a seed is given.
        """
        torch: Any = sys.modules.get("torch")
        parts = [part for module in self.modules().values() for part in module.modules()]
        flags = [part.training for part in parts]
        no_gradients = torch.no_grad() if torch is not None else contextlib.nullcontext()
        for module in self.modules().values():
            module.eval()
        try:
            with kept_random_states(), no_gradients:
                self._times_asked += 1
                seed_everything(self._times_asked if seed is None else seed)
                yield
        finally:
            for part, flag in zip(parts, flags):
                part.training = flag

    def moved_in_its_mode(self, users: np.ndarray, histories: np.ndarray) -> int:
        """Rows whose answers hang on random numbers where the modules are in the modes that fit() left them in.

        None do where score() sets evaluation mode itself. What normalises a batch is not in training mode: it would learn from the question.
        """
        parts = [part for module in self.modules().values() for part in module.modules()]
        left = [part.training and not hasattr(part, "running_mean") for part in parts]
        answers = []
        for seed in (1, 2):
            with self.at_rest(seed):
                for part, flag in zip(parts, left):
                    part.training = flag
                answers.append(self.dense(users, histories))
        first, second = (np.nan_to_num(one, neginf=0.0) for one in answers)
        return int((np.abs(first - second) > 1e-4 * (1.0 + np.abs(first))).any(axis=1).sum())

    # -- what it consists of

    def modules(self) -> dict[str, Any]:
        """The torch modules found on the recommender, by attribute; "" is the recommender itself."""
        torch: Any = sys.modules.get("torch")
        if torch is None:
            return {}
        if isinstance(self.model, torch.nn.Module):
            return {"": self.model}
        held = getattr(self.model, "__dict__", {})
        direct = {name: value for name, value in held.items() if isinstance(value, torch.nn.Module)}
        if direct:
            return direct
        return {  # one level deeper: an adapter that holds a trainer that holds the model
            f"{outer}.{name}": value
            for outer, owner in held.items()
            for name, value in getattr(owner, "__dict__", {}).items()
            if isinstance(value, torch.nn.Module)
        }

    def parameters(self) -> int:
        counted = {id(p): p.numel() for module in self.modules().values() for p in module.parameters()}
        return int(sum(counted.values()))

    def item_embeddings(self) -> np.ndarray | None:
        """float32 (n_items + 1, d), as used for scoring; None where the repo offers none."""
        offered = getattr(self.model, "item_embeddings", None)
        if not callable(offered):
            return None
        with self.at_rest():
            table: Any = offered()
        if table is None:
            return None
        if hasattr(table, "detach"):
            table = table.detach().float().cpu().numpy()
        table = np.array(table, dtype=np.float32)
        if table.ndim != 2 or len(table) != self.n_items + 1:
            raise ContractBroken(
                f"item_embeddings() returned shape {table.shape}, expected ({self.n_items + 1}, d): row i is item i"
            )
        return table

    # -- state

    def has_state(self) -> bool:
        own = callable(getattr(self.model, "state_dict", None)) and callable(
            getattr(self.model, "load_state_dict", None)
        )
        return own or bool(self.modules())

    def state(self) -> Any:
        """A copy of the state, on the CPU."""
        if callable(getattr(self.model, "state_dict", None)):
            return _copied(self.model.state_dict())
        return {name: _copied(module.state_dict()) for name, module in self.modules().items()}

    def load(self, state: Any) -> None:
        if callable(getattr(self.model, "load_state_dict", None)):
            self.model.load_state_dict(copy.deepcopy(state))
            return
        for name, module in self.modules().items():
            module.load_state_dict(state[name])

    def save(self, path: str) -> None:
        torch: Any = sys.modules.get("torch")
        if torch is not None:
            torch.save(self.state(), path)
        else:
            with Path(path).open("wb") as file:
                pickle.dump(self.state(), file)

    def load_file(self, path: str) -> None:
        """Only ever called in a worker: the file was written by the same program and may hold any code."""
        torch: Any = sys.modules.get("torch")
        if torch is not None:
            self.load(torch.load(path, map_location="cpu", weights_only=False))
        else:
            with Path(path).open("rb") as file:
                self.load(pickle.load(file))  # noqa: S301


def _epochs_of(returned: Any) -> Iterator[Any]:
    if isinstance(returned, dict) or not hasattr(returned, "__iter__"):
        raise ContractBroken(
            f"fit() returned a {type(returned).__name__}, expected an iterator with one mapping of floats per epoch; "
            "a loop that cannot be split yields once at its end"
        )
    return iter(returned)


def _floats(reported: Any) -> dict[str, float]:
    try:
        return {str(name): float(value) for name, value in dict(reported).items()}
    except (TypeError, ValueError):
        raise ContractBroken(
            f'fit() yielded {reported!r:.200}, expected a mapping of floats such as {{"loss": 0.69}}'
        ) from None


def _copied(state: Any) -> Any:
    torch: Any = sys.modules.get("torch")
    if torch is not None and isinstance(state, torch.Tensor):
        return state.detach().to("cpu", copy=True)
    if isinstance(state, dict):
        return {name: _copied(value) for name, value in state.items()}
    if isinstance(state, (list, tuple)):
        return type(state)(_copied(value) for value in state)
    return copy.deepcopy(state)


def _wait_for_gpu(scores: Any) -> None:
    """So that the seconds of scoring are not booked on whoever reads the scores first."""
    torch: Any = sys.modules.get("torch")
    if torch is not None and getattr(getattr(scores, "device", None), "type", "") == "cuda":
        torch.cuda.synchronize()


def _free_gpu() -> None:
    torch: Any = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()

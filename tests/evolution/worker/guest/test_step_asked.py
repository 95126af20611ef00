"""What scoring looks up for a history, and the place at which its answer is read, in three shapes of a masked model."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from evolution.worker.guest.recommender import CheckedRecommender
from evolution.worker.guest.step_asked import EVENTS, asked
from evolution.worker.guest.tracing_frames import Places

HERE = Path(__file__).parent
N_ITEMS, N_USERS, D = 60, 20, 8
MASK = N_ITEMS + 1


def log() -> SimpleNamespace:
    """Every user has EVENTS + 2 different items."""
    rng = np.random.default_rng(0)
    length = EVENTS + 2
    items = np.concatenate([rng.permutation(N_ITEMS)[:length] + 1 for _ in range(N_USERS)])
    return SimpleNamespace(
        users=np.repeat(np.arange(1, N_USERS + 1), length),
        items=items,
        offsets=np.concatenate([[0], np.arange(N_USERS + 1) * length]),
        n_users=N_USERS,
        n_items=N_ITEMS,
    )


class Masked:
    """The mask stands behind the history; the output at one place is picked, then multiplied with all items."""

    def __init__(self, place: int = -1, mask: bool = True, turned: bool = False) -> None:
        torch.manual_seed(0)
        self.items, self.mix = nn.Embedding(N_ITEMS + 2, D), nn.GRU(D, D, batch_first=True)
        self.place, self.mask, self.turned = place, mask, turned

    def fit(self) -> Any:
        yield {}

    def rows(self, histories: Any) -> Any:
        rows = torch.as_tensor(histories.copy())
        rows = rows.flip(1) if self.turned else rows
        return torch.cat([rows, torch.full((len(rows), 1), MASK)], dim=1) if self.mask else rows

    def score(self, users: Any, histories: Any) -> Any:
        states, _ = self.mix(self.items(self.rows(histories)))
        last = states[:, self.place]
        return last @ self.items.weight[: N_ITEMS + 1].T


class OfAllPlaces(Masked):
    """Scores of all places, of which one is kept."""

    def score(self, users: Any, histories: Any) -> Any:
        states, _ = self.mix(self.items(self.rows(histories)))
        everywhere = states @ self.items.weight[: N_ITEMS + 1].T
        return everywhere.select(1, everywhere.shape[1] + self.place)


class OfAllPlacesAndClasses(Masked):
    """Scores of all places and of the mask, too, of which one place and the items are kept at once."""

    def score(self, users: Any, histories: Any) -> Any:
        states, _ = self.mix(self.items(self.rows(histories)))
        everywhere = states @ self.items.weight.T
        return everywhere[:, self.place, : N_ITEMS + 1]


def told(kind: type[Masked], **options: Any) -> dict[str, Any]:
    candidate = CheckedRecommender(lambda data, device, seed: kind(**options), log(), device="cpu", seed=0)
    return asked(candidate, log(), Places(str(HERE)))


def line(place: list[Any]) -> str:
    return (HERE / place[0]).read_text(encoding="utf-8").splitlines()[place[1] - 1].strip()


@pytest.mark.parametrize("kind", [Masked, OfAllPlaces, OfAllPlacesAndClasses])
def test_the_rows_and_the_place_are_found_again(kind: type[Masked]) -> None:
    found = told(kind)
    assert all(row[:-1] == history for row, history in zip(found["ids"], found["histories"], strict=True))
    assert all(row[-1] == MASK for row in found["ids"])
    assert set(found["read"]) == {EVENTS}
    assert "self.place" in line(found["read_at"][0])
    assert line(found["looked_up"][0]) == "states, _ = self.mix(self.items(self.rows(histories)))"


@pytest.mark.parametrize("kind", [Masked, OfAllPlaces, OfAllPlacesAndClasses])
def test_another_place_a_missing_mask_and_a_turned_history_are_told_as_they_are(kind: type[Masked]) -> None:
    assert set(told(kind, place=-2)["read"]) == {EVENTS - 1}
    assert told(kind, mask=False)["ids"] == told(kind)["histories"]
    turned = told(kind, turned=True)
    assert all(row[-2::-1] == one for row, one in zip(turned["ids"], turned["histories"], strict=True))


def test_who_looks_up_no_history_is_asked_for_nothing() -> None:
    class ByUser(Masked):
        def score(self, users: Any, histories: Any) -> Any:
            return self.items(torch.as_tensor(users)) @ self.items.weight[: N_ITEMS + 1].T

    assert told(ByUser) == {}

"""Training events and questions as folders of `.npy` and JSON, and back. Targets go to a file of their own."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seeds.interactions import Float32, Interactions, ItemColumns, Questions


def write_interactions(training: Interactions, folder: Path, names: Path) -> None:
    """folder: for the worker. names: for the source's own ids, which a worker has no use for."""
    folder.mkdir(parents=True)
    for name in ("users", "items", "timestamps", "ratings", "offsets"):
        array = getattr(training, name)
        if array is not None:
            np.save(folder / f"{name}.npy", array)
    columns = training.item_columns
    strings: dict[str, Any] = {
        "title": columns.title,
        "categories": columns.categories,
        "store": columns.store,
    }
    numbers: dict[str, Float32] = {"price": columns.price, "average_rating": columns.average_rating}
    for name, column in columns.other.items():
        if isinstance(column, np.ndarray):
            numbers[name] = column
        else:
            strings[name] = column
    for place, column in enumerate(numbers.values()):  # a column's name need not be a file's
        np.save(folder / f"column_{place}.npy", column)
    document = {
        "n_users": training.n_users,
        "n_items": training.n_items,
        "strings": strings,
        "numbers": list(numbers),
    }
    _write_json(folder / "columns.json", document)
    _write_json(names / "names.json", {"users": training.user_names, "items": training.item_names})


def read_interactions(folder: Path, names: Path) -> Interactions:
    document = json.loads((folder / "columns.json").read_text(encoding="utf-8"))
    own_names = json.loads((names / "names.json").read_text(encoding="utf-8"))
    strings: dict[str, Any] = document["strings"]
    numbers = {
        name: np.load(folder / f"column_{place}.npy") for place, name in enumerate(document["numbers"])
    }
    columns = ItemColumns(
        title=tuple(strings.pop("title")),
        categories=tuple(tuple(path) for path in strings.pop("categories")),
        store=tuple(strings.pop("store")),
        price=numbers.pop("price"),
        average_rating=numbers.pop("average_rating"),
        other={**{name: tuple(column) for name, column in strings.items()}, **numbers},
    )
    return Interactions(
        users=_mapped(folder / "users.npy"),
        items=_mapped(folder / "items.npy"),
        timestamps=_mapped_if_there(folder / "timestamps.npy"),
        ratings=_mapped_if_there(folder / "ratings.npy"),
        offsets=np.load(folder / "offsets.npy"),
        n_users=document["n_users"],
        n_items=document["n_items"],
        item_columns=columns,
        user_names=tuple(own_names["users"]),
        item_names=tuple(own_names["items"]),
    )


def write_questions(questions: Questions, folder: Path, targets: Path | None) -> None:
    """targets: where the labels go, outside of `folder`; None where the caller has them already."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("users", "items", "offsets"):
        np.save(folder / f"{name}.npy", getattr(questions, name))
    if targets is not None:
        np.save(targets, questions.targets)
        if questions.candidates is not None:
            np.save(_candidates_file(targets), questions.candidates)


def read_questions(folder: Path, targets: Path) -> Questions:
    users, items, offsets = (_mapped(folder / f"{name}.npy") for name in ("users", "items", "offsets"))
    candidates = _optional(_candidates_file(targets))
    return Questions(
        users=users, items=items, offsets=offsets, targets=np.load(targets), candidates=candidates
    )


def _candidates_file(targets: Path) -> Path:
    """Beside the labels, as the target is what a user's candidates have in common with no history."""
    return targets.with_name(f"{targets.stem}-candidates.npy")


def _mapped(path: Path) -> NDArray[Any]:
    """An array whose pages are read when they are used, and shared between processes until it is written to, which changes no file."""
    array: NDArray[Any] = np.load(path, mmap_mode="c")
    return array.view(np.ndarray)  # a memmap passes its class on to everything that is computed from it


def _mapped_if_there(path: Path) -> NDArray[Any] | None:
    return _mapped(path) if path.exists() else None


def _optional(path: Path) -> NDArray[Any] | None:
    return np.load(path) if path.exists() else None


def _write_json(path: Path, document: Any) -> None:
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")

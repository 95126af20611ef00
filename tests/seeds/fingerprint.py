"""The identity of a log: two logs have the same fingerprint only if a model could not tell them apart."""

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from seeds.interactions import Interactions


def fingerprint(interactions: Interactions) -> str:
    """sha256 (hex) over every array and column; the same on every machine and in every process."""
    digest = hashlib.sha256()
    for name in ("users", "items", "timestamps", "ratings", "offsets"):
        _add_array(digest, name, getattr(interactions, name))
    columns = interactions.item_columns
    _add_array(digest, "price", columns.price)
    _add_array(digest, "average_rating", columns.average_rating)
    _add_strings(digest, "title", columns.title)
    _add_strings(digest, "store", columns.store)
    _add_strings(digest, "categories", tuple("\x1f".join(path) for path in columns.categories))
    for name, column in sorted(columns.other.items()):
        if isinstance(column, tuple):
            _add_strings(digest, f"other/{name}", column)
        else:
            _add_array(digest, f"other/{name}", column)
    _add_strings(digest, "user_names", interactions.user_names)
    _add_strings(digest, "item_names", interactions.item_names)
    return digest.hexdigest()


def _add_array(digest: Any, name: str, array: NDArray[Any] | None) -> None:
    if array is None:
        digest.update(f"{name}: none\n".encode())
        return
    little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    digest.update(f"{name}: {little.dtype.str} {little.shape}\n".encode())
    digest.update(little.tobytes())


def _add_strings(digest: Any, name: str, strings: tuple[str, ...]) -> None:
    joined = "\x1e".join(strings).encode("utf-8", "surrogatepass")
    digest.update(f"{name}: {len(strings)} strings, {len(joined)} bytes\n".encode())
    digest.update(joined)

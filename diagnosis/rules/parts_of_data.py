"""Which part of the data a name speaks of, in its author's own words: training, validation or test."""

import ast
import re
from collections.abc import Iterable
from enum import Enum
from functools import lru_cache

from diagnosis.rules.values import words_of

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_TAILS = ("set", "loader", "data", "ing", "iter", "dl", "ds", "dataset", "dataloader", "df", "s")


class Part(Enum):
    """A part of a split."""

    TRAIN = "train"
    VALID = "valid"
    TEST = "test"


_STEMS = {
    "train": Part.TRAIN,
    "valid": Part.VALID,
    "validation": Part.VALID,
    "val": Part.VALID,
    "dev": Part.VALID,
    "test": Part.TEST,
}
_SHORT = {
    "tr": Part.TRAIN,
    "trn": Part.TRAIN,
    "va": Part.VALID,
    "vld": Part.VALID,
    "te": Part.TEST,
    "tst": Part.TEST,
}


def parts_named(words: Iterable[str]) -> set[Part]:
    """The parts that names or strings speak of: {"test_loader", "trainSet"} -> TEST and TRAIN. "latest" is none."""
    return set().union(*map(_parts_of, words))


@lru_cache(maxsize=16_384)
def _parts_of(word: str) -> frozenset[Part]:
    """The parts that one name or string speaks of; the rules ask of the same names again and again."""
    found = (_part(piece.lower()) for piece in _WORD.findall(word))
    return frozenset(part for part in found if part is not None)


def parts_in(*nodes: ast.AST) -> set[Part]:
    """The parts that the names and strings of expressions speak of."""
    return parts_named(word for node in nodes for word in words_of(node))


def _part(piece: str) -> Part | None:
    for stem, part in _STEMS.items():
        if piece == stem or (piece.startswith(stem) and piece[len(stem) :] in _TAILS):
            return part
    return _SHORT.get(piece)

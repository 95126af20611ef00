"""Signals that a version's code has come to read and that nothing measures: a mechanism deserves a probe before anybody complains."""

import ast
from collections.abc import Mapping, Sequence

from diagnosis.catalogue import kind_of
from diagnosis.coevolution.complaints import TRACKED, Complaint, expectation_of
from diagnosis.coevolution.spec import ProbeSpec
from diagnosis.syntax import parsed
from evolution.domain.feedback import Feedback

# A column of the training data, as the contract names it -> the signal that a mechanism on it serves.
_COLUMNS: Mapping[str, str] = {
    "price": "price",
    "store": "store",
    "categories": "category",
    "average_rating": "quality",
    "ratings": "quality",
    "timestamps": "recency",
}


def unmeasured_mechanisms(
    feedback: Feedback, specs: Sequence[ProbeSpec], before: Mapping[str, str], after: Mapping[str, str]
) -> list[Complaint]:
    """What is to be measured of the mechanisms that `after` has and `before` has not.

    before, after: path -> source of the user's own version and of the one that the feedback is about.
    """
    known = _measured(feedback) | {spec.signal for spec in specs}
    found: dict[str, Complaint] = {}
    for path, column, line in _new_reads(before, after):
        signal = _COLUMNS[column]
        complaint = Complaint(
            code=TRACKED + signal,
            signal=signal,
            message=f"this version's code has come to read `{column}` ({path}:{line}), and nothing measures what that does to "
            "the pages",
        )
        if signal not in known and signal not in found and expectation_of(complaint) is not None:
            found[signal] = complaint
    return list(found.values())


def _measured(feedback: Feedback) -> set[str]:
    """Signals that a built-in measurement tells something of, good or bad."""
    return {
        complaint.partition("-")[2]
        for measurement in feedback.measurements
        if measurement.healthy is not None
        for complaint in kind_of(measurement.code, measurement.details).verifies
    }


def _new_reads(before: Mapping[str, str], after: Mapping[str, str]) -> list[tuple[str, str, int]]:
    """(path, column, line) of the first read of each column that `after` reads and `before` does not."""
    read_before = {column for source in before.values() for column in _reads(source)}
    found: list[tuple[str, str, int]] = []
    for path, source in sorted(after.items()):
        if before.get(path) != source:
            fresh = _reads(source)
            found += [(path, column, fresh[column]) for column in fresh if column not in read_before]
    return found


def _reads(source: str) -> dict[str, int]:
    """column -> line of its first read: as an attribute, a key, or the name that `getattr` is given."""
    tree = parsed(source)
    if tree is None:  # a version that does not parse has no trial, but one of its files may
        return {}
    lines: dict[str, int] = {}
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name, ctx=ast.Load()):
                pass
            case ast.Subscript(slice=ast.Constant(value=str(name)), ctx=ast.Load()):
                pass
            case ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(value=str(name)), *_]):
                pass
            case _:
                continue
        if name in _COLUMNS:
            lines[name] = min(node.lineno, lines.get(name, node.lineno))
    return lines

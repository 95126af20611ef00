"""Scores of the defect bench: what the findings on one planted variant say, held against what was planted. Pure functions."""

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.defects.variants import Variant, places

Place = tuple[str, int]  # file, line from 1


@dataclass(frozen=True, kw_only=True)
class Found:
    """One finding: its code, nature ("cause", "symptom", "advice") and the lines of each of its anchors, best first."""

    code: str
    nature: str
    message: str
    anchors: tuple[tuple[str, int, int], ...]  # file, first line, last line

    def on(self, lines: Iterable[Place]) -> bool:
        """Whether one of its anchors covers one of the lines."""
        return any(_covers(anchor, line) for anchor in self.anchors for line in lines)


@dataclass(frozen=True, kw_only=True)
class Score:
    """named: a cause of an accepted code. right_line: such a one lies on a causing line. silent: no cause at all.

    false_causes: causes on a healthy repo. wrong: causes and symptoms that accuse innocent lines of a defective one.
    misnamed: causes of another code on the causing lines: the right place with a wrong reason.
    """

    named: bool = False
    right_line: bool = False
    silent: bool = True
    false_causes: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    misnamed: tuple[str, ...] = ()
    codes: tuple[str, ...] = field(default=())


def score(
    variant: Variant, planted: Path, found: list[Found], accepted: Mapping[str, tuple[str, ...]]
) -> Score:
    """accepted: kind -> what names it: a code, or "code: expression" where the message must match the expression too."""
    causes = [finding for finding in found if finding.nature == "cause"]
    codes = tuple(f"{f.code}@{_at(f)}" + ("" if f.nature == "cause" else f" ({f.nature})") for f in found)
    names = [name for kind in (variant.kind, *variant.also) for name in accepted.get(kind, ())]
    named = [finding for finding in causes if any(_names(finding, name) for name in names)]
    if variant.healthy:
        false = _labels(finding for finding in causes if finding not in named)
        return Score(silent=not causes, false_causes=false, codes=codes)
    cause = places(variant.cause, planted, variant.id)
    innocent_not = cause | places(variant.near, planted, variant.id) | entry_lines(planted)
    accusing = [finding for finding in found if finding.nature != "advice" and finding.anchors]
    return Score(
        named=bool(named),
        right_line=any(finding.on(cause) for finding in named),
        silent=not causes,
        wrong=_labels(f for f in accusing if not _first(f).on(innocent_not)),
        misnamed=_labels(f for f in causes if f not in named and f.on(cause)),
        codes=codes,
    )


def entry_lines(planted: Path) -> set[Place]:
    """The lines `def build(...)` of a repo, where an outcome without a cause may stand."""
    found: set[Place] = set()
    for path in planted.rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name == "build":
                found.add((path.relative_to(planted).as_posix(), node.lineno))
    return found


def _names(finding: Found, name: str) -> bool:
    code, _, expression = name.partition(": ")
    return finding.code == code and re.search(expression, finding.message, re.IGNORECASE) is not None


def _covers(anchor: tuple[str, int, int], line: Place) -> bool:
    return anchor[0] == line[0] and anchor[1] <= line[1] <= anchor[2]


def _first(finding: Found) -> Found:
    return Found(
        code=finding.code, nature=finding.nature, message=finding.message, anchors=finding.anchors[:1]
    )


def _labels(found: Iterable[Found]) -> tuple[str, ...]:
    return tuple(f"{finding.code}@{_at(finding)}" for finding in found)


def _at(finding: Found) -> str:
    return "|".join(f"{file}:{first}" for file, first, _ in finding.anchors) or "nowhere"

"""Whatever a built-in check finds in a test must read as one short line: a pytest plugin that holds every message to it.

A message is composed of figures that only a measured program has, so no list of examples would show each kind's; whichever test
measures an unhealthy program shows its kinds here, at no cost.
"""

import re
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from diagnosis.catalogue import CATALOGUE, kind_of
from diagnosis.findings import Finding, FindingKind, Measurement, Severity
from evolution.domain.trial import ContractCheck
from server.shown.rows import EARLY, FIGURE, is_measured, line
from server.shown.wording import LINE

CODE = re.compile(
    r"`[^`]*`|[\w./-]+:\d+"
)  # literals of the program and places in it are as the program has them
OTHER_STYLE = re.compile(r"\d%|(?<![\w.])-?0\.\d")


def faults(kind: FindingKind, message: str) -> list[str]:
    """What is wrong with the message of a finding of this kind; empty for none."""
    finding = Finding(id="f", kind=kind, severity=Severity.WARNING, message=message, anchors=())
    shown = line(finding)
    plain = CODE.sub("", message)
    found = [f"more than {LINE} characters: {shown!r}"] if len(shown) > LINE else []
    found += [f"{fault[0]!r} is no number of the one style" for fault in OTHER_STYLE.finditer(plain)]
    numbers = [number for number in FIGURE.finditer(plain) if is_measured(number[0]) or not number.start()]
    first = numbers[0] if numbers else None
    if first is not None and first.start() >= EARLY:
        found.append(f"its number {first[0]!r} comes after {EARLY} characters")
    return [f"{kind.code}: {fault}: {message!r}" for fault in found]


@pytest.fixture(autouse=True, scope="session")
def messages_are_read() -> Iterator[None]:
    """Raises AssertionError where code of the product makes an unhealthy measurement or a failed check with such a message."""
    with pytest.MonkeyPatch.context() as patch:
        for made, is_bad in ((Measurement, _is_unhealthy), (ContractCheck, _has_failed)):
            patch.setattr(made, "__init__", _read(made.__init__, is_bad))
        yield


def _read(make: Any, is_bad: Any) -> Any:
    def init(self: Any, **fields: Any) -> None:
        make(self, **fields)
        maker = sys._getframe(1).f_globals.get("__name__", "")
        if is_bad(self) and maker.startswith(("diagnosis.", "evolution.trials.")):
            found = faults(kind_of(self.code, getattr(self, "details", None)), self.message)
            assert not found, "\n".join(found)

    return init


def _is_unhealthy(made: Measurement) -> bool:
    return made.healthy is False and made.code in CATALOGUE


def _has_failed(made: ContractCheck) -> bool:
    return made.passed is False

"""A probe of the user's as a value: what its docstring and its constants say, and what is wrong with it, by line."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from diagnosis.findings import FindingKind, FoundBy, Nature, Role, Severity

PREFIX = "user/"  # of the code of every probe of the user's
REFERENCES = {  # a name in a probe -> the subject that is measured beside the model (see coevolution/subjects.py)
    "popularity": "popularity",
    "markov": "following",
    "ease": "ease",
    "random": "random",
}
FAULT = FindingKind(
    code="probe-fault",
    found_by=FoundBy.PROBE,
    title="A probe of yours cannot run",
    why="Nothing is measured by it until it is mended; all else is measured.",
    definition="A file in probes/ that is no valid probe, raises, returns something else than it may, or does not end in time.",
    roles=(Role.ENTRY,),
    nature=Nature.ADVICE,
)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What is wrong with a probe. line: of its file, from 1."""

    line: int
    message: str


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How a probe's value is judged, from the constants at the top of its file.

    warn_above, warn_below, reference: what makes it unhealthy; all None or "" if nothing does, and it only informs.
    at: where its finding stands: a role, a file, `file:line` or `file:Class.method`; "" for the entry. at_line: where the
        probe says so.
    """

    unit: str = ""
    higher_is_better: bool = True
    warn_above: float | None = None
    warn_below: float | None = None
    reference: str = ""
    severity: Severity = Severity.WARNING
    nature: Nature = Nature.SYMPTOM
    explains: tuple[str, ...] = ()
    at: str = ""
    at_line: int = 1


@dataclass(frozen=True, kw_only=True)
class UserProbe:
    """One file. measure_line: where `measure` is defined. return_line: its only `return`, else `measure_line`.

    needs: attributes of the view that it names. faults: why it cannot run; () if it can.
    """

    path: str
    text: str
    title: str
    definition: str
    terms: Terms = Terms()
    measure_line: int = 1
    return_line: int = 1
    needs: frozenset[str] = frozenset()
    faults: tuple[Fault, ...] = ()

    @property
    def name(self) -> str:
        """The file's name without `.py`."""
        return PurePosixPath(self.path).stem

    @property
    def code(self) -> str:
        """The code of its measurements and findings."""
        return PREFIX + self.name

    @property
    def kind(self) -> FindingKind:
        """What its findings have in common. A probe that names no limit informs."""
        terms = self.terms
        return FindingKind(
            code=self.code,
            found_by=FoundBy.PROBE,
            title=self.title,
            why=f"A probe of this repo: {self.path}.",
            definition=self.definition,
            roles=(Role.ENTRY,),
            nature=terms.nature if self.judges else Nature.ADVICE,
            explains=terms.explains,
            unit=terms.unit,
            reference=held_against(terms),
        )

    @property
    def judges(self) -> bool:
        """Whether it says what an unhealthy value is."""
        terms = self.terms
        return bool(terms.reference) or terms.warn_above is not None or terms.warn_below is not None


def held_against(terms: Terms) -> str:
    """What a value is held against, in words; "" for nothing."""
    told = [terms.reference] if terms.reference else []
    told += [f"at most {terms.warn_above:g}"] if terms.warn_above is not None else []
    told += [f"at least {terms.warn_below:g}"] if terms.warn_below is not None else []
    return ", ".join(told)


def key_of(probes: Sequence[UserProbe]) -> str:
    """A hash of all probes' texts: with another one they are run again. "" for none."""
    if not probes:
        return ""
    parts = "\0".join(f"{probe.path}\0{probe.text}" for probe in probes)
    return hashlib.sha256(parts.encode("utf-8", "surrogatepass")).hexdigest()[:16]

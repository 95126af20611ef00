"""The values of diagnosis: measurements, findings, and the anchors that tie findings to lines of code."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How bad a finding is, named as in LSP. A healthy model gets neither error nor warning.

    `ERROR`: the model cannot work like this.
    `WARNING`: it costs accuracy.
    `INFORMATION`: worth knowing.
    """

    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"


class Nature(StrEnum):
    """What a finding says: why the model fails, or only that it does."""

    CAUSE = "cause"  # a violated expectation, with its evidence, on the lines that violate it
    SYMPTOM = "symptom"  # an outcome; it stands on a line only where an experiment connects the two
    ADVICE = "advice"  # nothing is wrong, but a stronger choice is known


class Role(StrEnum):
    """What a place in the code does; found from the traced step, never from names that the repo chose."""

    ITEM_TABLE = "item_table"  # creates the item embedding
    POSITION_TABLE = "position_table"
    ENCODER = "encoder"
    CAUSAL_MASK = "causal_mask"
    DROPOUT = "dropout"
    NORMALIZATION = "normalization"
    LOSS = "loss"  # computes the number on which `backward` is called
    NEGATIVES = "negatives"  # draws negative items
    LOADER = "loader"  # decides what is in a batch, in which order
    OPTIMIZER = "optimizer"
    SCORING = "scoring"  # computes what `score` returns
    INITIALIZATION = "initialization"
    ENTRY = "entry"  # `def build`; findings without a better place stand here


@dataclass(frozen=True, kw_only=True)
class Anchor:
    """Lines of one file as they were in the measured program, 1-based and inclusive.

    path: relative to the repo's root, with "/".
    blob: git blob hash of the whole file.
    text: the lines, joined by "\\n". With `blob`, it shows whether the code has changed since.
    """

    path: str
    start_line: int
    end_line: int
    blob: str
    text: str
    role: Role


@dataclass(frozen=True, kw_only=True)
class CodePlace:
    """A line of the measured program that was seen at work: path relative to the root with "/", line from 1.

    does: what happens there, in words for a sentence such as "draws negatives"; "" if the finding says it.
    """

    path: str
    line: int
    does: str = ""


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """The result of one probe on one trial.

    value, low, high, reference: in `unit`; low and high bound value at 95 % (None: no interval).
    higher_is_better: the direction in which the value gets healthier.
    healthy: None if the probe could not tell; details["reason"] says why.
    self_reported: measured inside the worker beside candidate code; it informs, and never verifies.
    places: the lines that the measurement itself points at, best first; () leaves it to the roles of its kind.
    """

    code: str
    value: float
    low: float | None
    high: float | None
    reference: float | None
    reference_name: str
    unit: str
    higher_is_better: bool
    healthy: bool | None
    severity: Severity
    message: str
    self_reported: bool = False
    places: tuple[CodePlace, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)


BY_TEMPLATE = "template"  # author of evolved probes that were composed, not written by an LLM


class FoundBy(StrEnum):
    """The check that produces findings of a kind."""

    PROBE = "probe"  # a measurement by the analyst
    RULE = "rule"  # a static rule on the syntax tree, as the user types
    CONTRACT = "contract"  # a check of one batch before training
    USERS = "users"  # simulated users
    TRIAL = "trial"  # a trial that failed


@dataclass(frozen=True, kw_only=True)
class FindingKind:
    """What all findings of one code have in common.

    code: stable, in kebab-case; also the code of the editor's diagnostic.
    why: one sentence on why it matters.
    definition: how the value is computed.
    roles: where a finding stands, in order of preference; the first role that the repo has is taken.
    unit, reference: of its values, and what they are held against; "" where nothing is measured.
    sources: papers, or threads in which the defect was seen, for whoever wants to read on.
    verifies: codes of the users' complaints that a finding of this kind confirms.
    explains: codes of what it brings about (see `diagnosis/symptoms.py`): findings and users' complaints. Of a symptom,
        codes of those that always come with it.
    leads: told before all but errors, as little can be said of the rest before it is mended.
    of_accelerators: void where `training.device` is "cpu": what it costs, it costs on a device of its own alone.
    needs_training: more epochs alone may mend it, so nothing is said before the model has converged.
    """

    code: str
    title: str
    why: str
    definition: str
    found_by: FoundBy
    roles: tuple[Role, ...] = (Role.ENTRY,)
    verifies: tuple[str, ...] = ()
    nature: Nature = Nature.CAUSE
    explains: tuple[str, ...] = ()
    unit: str = ""
    reference: str = ""
    sources: tuple[str, ...] = ()
    needs_training: bool = False
    leads: bool = False
    of_accelerators: bool = False


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something unhealthy in a trial, on the lines that cause it, or on the entry where these are not known.

    id: stable for the same code and the same text where it would stand alone.
    anchors: best first; () stands at the entry function.
    measurement: None where nothing was measured (rules, contract checks, failures).
    columns: of a static rule's hit only: (first, end), from 0 in UTF-8 bytes, end exclusive.
    explained_by: ids of the findings that bring it about, the likeliest first.
    healed_by: titles of the patches that were seen to heal it; its anchors are the lines that they change.
    ruled_out: of a symptom, codes of the causes that would explain it and that were checked and are healthy.
    """

    id: str
    kind: FindingKind
    severity: Severity
    message: str
    anchors: tuple[Anchor, ...]
    measurement: Measurement | None = None
    columns: tuple[int, int] | None = None
    explained_by: tuple[str, ...] = ()
    healed_by: tuple[str, ...] = ()
    ruled_out: tuple[str, ...] = ()

    @property
    def code(self) -> str:
        """The code of its kind."""
        return self.kind.code

    @property
    def self_reported(self) -> bool:
        """Whether it was measured beside candidate code, so that it informs and never verifies."""
        if self.measurement is not None:
            return self.measurement.self_reported
        return self.kind.found_by is FoundBy.CONTRACT

    @property
    def probe(self) -> str:
        """Id of the evolved probe that measured it; "" for a built-in check."""
        return str(self.measurement.details.get("probe", "")) if self.measurement else ""

    @property
    def author(self) -> str:
        """Name of the LLM that wrote the evolved probe; "" if none did."""
        author = str(self.measurement.details.get("author", "")) if self.measurement else ""
        return "" if author == BY_TEMPLATE else author


@dataclass(frozen=True, kw_only=True)
class Site:
    """A place in the repo's code that plays a role: path relative to the root, lines 1-based and inclusive."""

    role: Role
    path: str
    start_line: int
    end_line: int
    detail: Mapping[str, Any] = field(default_factory=dict)

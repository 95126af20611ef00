"""The words of diagnosis: measurements, findings and the anchors that tie them to lines of code."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """Named as in LSP. `ERROR`: the model cannot work like this. `WARNING`: it costs accuracy.
    `INFORMATION`: worth knowing. A healthy model gets neither error nor warning."""

    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"


class Role(StrEnum):
    """What a place in the code does; found from the traced step, never from names."""

    ITEM_TABLE = "item_table"  # creates the item embedding
    POSITION_TABLE = "position_table"
    ENCODER = "encoder"
    CAUSAL_MASK = "causal_mask"
    DROPOUT = "dropout"
    NORMALIZATION = "normalization"
    LOSS = "loss"  # the calls that make the number `backward` starts from
    NEGATIVES = "negatives"  # draws negative items
    LOADER = "loader"  # decides what is in a batch, in which order
    OPTIMIZER = "optimizer"
    SCORING = "scoring"  # the scores asked for by `score`
    INITIALIZATION = "initialization"
    ENTRY = "entry"  # `def build`; where everything unplaced goes


@dataclass(frozen=True, kw_only=True)
class Anchor:
    """Lines of one file, 1-based and inclusive, as they were in the program that was measured.

    path is relative to the repo's root, with "/". blob is the git blob hash of the whole file;
    text is those lines, joined by "\\n"; both let a reader see whether the code has changed since.
    """

    path: str
    start_line: int
    end_line: int
    blob: str
    text: str
    role: Role


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """The result of one probe on one trial.

    value, low, high, reference in `unit`. low and high bound value at 95 % (None: no interval).
    healthy None: the probe could not tell (details["reason"] says why). self_reported: measured inside the
    worker beside candidate code; informs, never verifies. higher_is_better tells the direction of healthy.
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
    details: Mapping[str, Any] = field(default_factory=dict)


BY_TEMPLATE = "template"  # author of evolved probes that no model wrote


class FoundBy(StrEnum):
    """What finds findings of a kind."""

    PROBE = "probe"  # a measurement of the analyst's
    RULE = "rule"  # the syntax tree, as the user types
    CONTRACT = "contract"  # one batch before training
    USERS = "users"  # simulated users
    TRIAL = "trial"  # a trial that failed


@dataclass(frozen=True, kw_only=True)
class FindingKind:
    """What all findings of one code have in common.

    code: stable kebab-case, the diagnostic's code. why: one sentence. definition: how the value is computed.
    roles: where a finding stands, in order of preference; the first that the repo has is taken.
    verifies: codes of users' complaints that a finding of this kind bears out.
    """

    code: str
    title: str
    why: str
    definition: str
    found_by: FoundBy
    roles: tuple[Role, ...] = (Role.ENTRY,)
    verifies: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What is not healthy, on the lines that cause it.

    id is stable for the same code and the same anchored text. anchors: best first; () stands at the entry function.
    measurement: None where nothing was measured (rules, contract checks, failures).
    columns: of a rule's hit, (first, end), from 0 in UTF-8 bytes, end exclusive.
    """

    id: str
    kind: FindingKind
    severity: Severity
    message: str
    anchors: tuple[Anchor, ...]
    measurement: Measurement | None = None
    columns: tuple[int, int] | None = None

    @property
    def code(self) -> str:
        return self.kind.code

    @property
    def self_reported(self) -> bool:
        """Measured beside candidate code, so that it informs and never verifies."""
        if self.measurement is not None:
            return self.measurement.self_reported
        return self.kind.found_by is FoundBy.CONTRACT

    @property
    def probe(self) -> str:
        """Id of the evolved probe that measured it, "" for a built-in check."""
        return str(self.measurement.details.get("probe", "")) if self.measurement else ""

    @property
    def author(self) -> str:
        """The model that wrote the evolved probe, "" where none did."""
        author = str(self.measurement.details.get("author", "")) if self.measurement else ""
        return "" if author == BY_TEMPLATE else author


@dataclass(frozen=True, kw_only=True)
class Site:
    """A place in the repo's code that plays a role: path relative to the root, lines 1-based inclusive."""

    role: Role
    path: str
    start_line: int
    end_line: int
    detail: Mapping[str, Any] = field(default_factory=dict)

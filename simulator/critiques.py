"""What simulated users say of their pages: the words shared by every kind of persona."""

from dataclasses import dataclass
from enum import StrEnum

CHANCE = 0.5  # the AUC of guessing


@dataclass(frozen=True, kw_only=True)
class Quote:
    """One simulated user's own sentence. user: the id in the data. persona: one line of description."""

    user: int
    persona: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Fidelity:
    """How well personas tell their user's real next choice from random items: AUC, .5 is chance, with its
    95 % bootstrap interval over users. Critiques count only if `low` is above .5. by_popularity: the AUC of who
    knows nothing but how popular items are, on the same choices; None where that was not compared."""

    auc: float
    low: float
    high: float
    users: int
    by_popularity: float | None = None

    @property
    def beats_chance(self) -> bool:
        """Surely: then what these personas say counts."""
        return self.low > CHANCE


@dataclass(frozen=True, kw_only=True)
class Critique:
    """What personas agree is wrong (or right) with their pages.

    code: stable kebab-case, for example "overused-popularity" or "missed-sequence". positive: they like it.
    count of users say so, of the `users` that were asked; share = count / users with its 95 % interval.
    signal: the reason for choosing that it is about, a key of `simulator.signals.SIGNALS`.
    """

    id: str
    code: str
    positive: bool
    signal: str
    message: str
    count: int
    users: int
    share: float
    low: float
    high: float
    quotes: tuple[Quote, ...]
    fidelity: Fidelity


class Status(StrEnum):
    """CRITICAL: surely fewer than half of the shown items fit, and surely most users share a complaint. STABLE:
    surely more than half of the items fit, and no complaint counts. Else NEEDS_IMPROVEMENT."""

    CRITICAL = "CRITICAL"
    NEEDS_IMPROVEMENT = "NEEDS_IMPROVEMENT"
    STABLE = "STABLE"


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """What lists get right or wrong, in words, and how many users say so: the figures of the critique of the same
    code."""

    code: str
    signal: str
    sentence: str
    count: int
    users: int
    share: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class TrackedSignal:
    """Something worth measuring from now on. codes: of the critiques that it stems from."""

    signal: str
    sentence: str
    codes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Interpretation:
    """What users say, as Self-EvolveRec (arXiv 2602.12612) has it, for personas of every kind.

    because: the figures that decided the status. fit: share of shown items that fit, and of the first items of
    each list, each as (share, low, high), 95 %. main_failure: at the top of the list, "" where nothing goes
    wrong there; main_failure_code: the complaint behind it, "" where users do not agree on one. Every figure is
    counted by us. worded_by: the model that put it into words, "" for our own rules.
    """

    status: Status
    because: str
    fit: tuple[float, float, float]
    fit_at_top: tuple[float, float, float]
    reads_intent: str
    right: tuple[Pattern, ...]
    wrong: tuple[Pattern, ...]
    main_failure: str
    main_failure_code: str
    track: tuple[TrackedSignal, ...]
    worded_by: str = ""

    @property
    def overused(self) -> tuple[Pattern, ...]:
        """Decision patterns that lists rely on too much."""
        return tuple(pattern for pattern in self.wrong if pattern.code.startswith("overused-"))

    @property
    def missed(self) -> tuple[Pattern, ...]:
        """Decision patterns of the users that lists leave out."""
        return tuple(pattern for pattern in self.wrong if pattern.code.startswith("missed-"))


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """One round of asking: everything the users said of one trial's pages.

    users: how many answered; failed: how many were asked and could not be had, and are left out of everything.
    mean_align: share of shown items the user says fits, None where no page was judged. mean_rating: 1..5 over
    rated items, None where nobody rates. no_vote: why what they say does not count, "" where it does; there are
    no critiques then. kind: "statistical" or "llm", played by `model`. interpretation None: no vote, or asked
    by a version that made none.
    """

    users: int
    seed: int
    fidelity: Fidelity
    critiques: tuple[Critique, ...]
    mean_align: float | None
    mean_rating: float | None
    wall_s: float
    kind: str = "statistical"
    model: str = ""
    failed: int = 0
    no_vote: str = ""
    interpretation: Interpretation | None = None

    def complaints(self) -> tuple[Critique, ...]:
        """What users say is wrong, where they predict real choices better than by chance."""
        return tuple(c for c in self.critiques if not c.positive and c.fidelity.beats_chance)

    @property
    def asked(self) -> int:
        return self.users + self.failed

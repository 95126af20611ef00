"""The results of asking simulated users, in types shared by every kind of persona."""

from dataclasses import dataclass
from enum import StrEnum

from seeds.amounts import number

CHANCE = 0.5  # the AUC of guessing


@dataclass(frozen=True, kw_only=True)
class Quote:
    """A sentence of one simulated user.

    user: the id in the data
    persona: one line of description
    """

    user: int
    persona: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Fidelity:
    """How well personas tell their user's real next choice from random items.

    auc, low, high: AUC with its 95 % bootstrap interval over users; .5 is chance. Critiques
        count only if `low` is above .5.
    users: the number of users that the AUC is averaged over
    by_popularity: the AUC of ranking the same choices by popularity alone, None if not computed
    """

    auc: float
    low: float
    high: float
    users: int
    by_popularity: float | None = None

    @property
    def beats_chance(self) -> bool:
        """Whether the whole interval lies above chance; only then these personas' critiques count."""
        return self.low > CHANCE


@dataclass(frozen=True, kw_only=True)
class Cell:
    """Users of one trait who say something far more often than the others: the two 95 % intervals lie apart.

    trait: of their personas, "comes rarely" for one. count of `users` say so, a share in [low, high]; others: the share of the rest.
    """

    trait: str
    count: int
    users: int
    low: float
    high: float
    others: float

    @property
    def share(self) -> float:
        """The share of users of the trait who say it."""
        return self.count / self.users


@dataclass(frozen=True, kw_only=True)
class Critique:
    """A complaint or praise that many personas share about their pages.

    code: stable kebab-case, for example "overused-popularity" or "missed-sequence". positive: they like it.
    count of users say so, of the `users` that were asked; share = count / users with its 95 % interval.
    signal: the reason for choosing that it is about, a key of `simulator.signals.SIGNALS`.
    cells: the traits of those who say it most, where they say it more than others.
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
    cells: tuple[Cell, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Voice:
    """One complaint as it was counted, whether or not enough users share it for a critique.

    count of `users` make it about their pages; control_count of control_users make it about what they really chose.
    """

    code: str
    signal: str
    count: int
    users: int
    control_count: int
    control_users: int
    quotes: tuple[Quote, ...] = ()

    @property
    def share(self) -> float:
        """The share of users who make it about their pages."""
        return self.count / self.users if self.users else 0.0

    @property
    def control_share(self) -> float:
        """The share of users who make it about what they really chose."""
        return self.control_count / self.control_users if self.control_users else 0.0


class Status(StrEnum):
    """The overall state of a trial's pages.

    CRITICAL: surely fewer than half of the shown items fit, and surely most users share a complaint
    STABLE: surely more than half of the items fit, and no complaint counts
    NEEDS_IMPROVEMENT: anything else
    """

    CRITICAL = "CRITICAL"
    NEEDS_IMPROVEMENT = "NEEDS_IMPROVEMENT"
    STABLE = "STABLE"


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """A critique as a statement about recommendation lists, with that critique's code and figures."""

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
    """Something to measure from now on.

    codes: the critiques that call for it
    """

    signal: str
    sentence: str
    codes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Interpretation:
    """What users say, in the form of Self-EvolveRec (arXiv 2602.12612), for personas of every kind.

    because: the figures that decided the status
    fit, fit_at_top: share of shown items that fit, and of the first items of each list;
        each (share, low, high) at 95 %
    main_failure: what goes wrong at the top of the lists, "" if nothing does
    main_failure_code: the complaint behind main_failure, "" if users do not agree on one
    worded_by: the LLM that put the sentences into words, "" for our own rules; the figures are always computed by us
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
        """The signals that lists rely on too much."""
        return tuple(pattern for pattern in self.wrong if pattern.code.startswith("overused-"))

    @property
    def missed(self) -> tuple[Pattern, ...]:
        """The signals that matter to users and that lists neglect."""
        return tuple(pattern for pattern in self.wrong if pattern.code.startswith("missed-"))


@dataclass(frozen=True, kw_only=True)
class Silent:
    """A trait whose users are not told from chance on their real next choices: what they say is not counted."""

    trait: str
    fidelity: Fidelity

    @property
    def line(self) -> str:
        """Why, in a sentence."""
        auc, low, high = map(number, (self.fidelity.auc, self.fidelity.low, self.fidelity.high))
        told = f"AUC {auc}, 95 % [{low}, {high}], on the real next choices of {self.fidelity.users}; .5 is chance"
        return f"users with the trait “{self.trait}” have no vote: {told}"


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """One round of asking: everything that users said about one trial's pages.

    users: how many users answered
    failed: how many users were left out because an LLM call failed
    mean_align: share of shown items that fit, None if no page was judged
    mean_rating: mean of the ratings 1..5, None if there are none
    no_vote: why the critiques do not count, "" if they do; with a reason, there are no critiques
    kind: "statistical", or "llm" for users played by `model`
    interpretation: None without a vote, and in results of versions that computed none
    voices: all complaints as they were counted, most shared first; () without a vote
    silent: traits whose users have no vote
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
    voices: tuple[Voice, ...] = ()
    silent: tuple[Silent, ...] = ()

    def share_of(self, code: str) -> float | None:
        """The share of users who make a complaint, whether or not it counts as a critique; None where that was not measured."""
        if self.no_vote or not self.users:
            return None
        return next((voice.share for voice in self.voices if voice.code == code), 0.0)

    def complaints(self) -> tuple[Critique, ...]:
        """The complaints of users who predict real choices better than chance."""
        return tuple(c for c in self.critiques if not c.positive and c.fidelity.beats_chance)

    @property
    def asked(self) -> int:
        """How many users were asked, including those who were left out."""
        return self.users + self.failed

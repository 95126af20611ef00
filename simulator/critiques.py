"""What simulated users say of their pages: the words shared by every kind of persona."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Quote:
    """One simulated user's own sentence. user: the id in the data. persona: one line of description."""

    user: int
    persona: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Fidelity:
    """How well personas tell their user's real next choice from random items: AUC, .5 is chance, with its
    95 % bootstrap interval over users. Critiques count only if `low` is above .5."""

    auc: float
    low: float
    high: float
    users: int


@dataclass(frozen=True, kw_only=True)
class Critique:
    """What personas agree is wrong (or right) with their pages.

    code: stable kebab-case, for example "overused-popularity" or "missed-sequence". positive: they like it.
    count of users say so, of the `users` that were asked; share = count / users with its 95 % interval.
    signal: the decision driver it is about ("popularity", "price", "category", "store", "sequence",
    "repetition", "recency", "variety").
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


@dataclass(frozen=True, kw_only=True)
class Simulation:
    """One round of asking: everything the users said of one trial's pages."""

    users: int
    seed: int
    fidelity: Fidelity
    critiques: tuple[Critique, ...]
    mean_align: float  # share of shown items the user says fits
    mean_rating: float | None  # 1..5 over rated items; None where nobody rates
    wall_s: float

"""Ask users whom a language model plays about the pages of one trial.

Three kinds of exchanges, each on its own, so that nothing of one can sway another: first a choice among ten
items with the real next one hidden, which measures fidelity; then the interview on what the user really chose,
which every complaint has to exceed; last the interview on the trial's page. Only the last depends on the trial:
the first two are the same for all trials, so a cache answers them, or `acquaint` is called once. For 20 users
that is at most 40 exchanges once, then 20 a trial and one to word them. Where the model does no better than chance, no
page is shown: nothing is paid for that would not count.

With 20 users the interval of the AUC is about +/- .13 and that of a share of one half +/- .2. If utilities are
normal, a model of true AUC .6 is heard 28 times in 100, of .7 82 times, of .75 97 times, and one at chance 3 times.
Only what most users say becomes a critique. Being above chance is not much: popularity alone gets there
(AUC .7 on the built-in shop, .8 on MovieLens-100k), so its AUC on the same choices is told beside the model's.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from seeds.interactions import Interactions, Questions
from simulator.asking import Ask, ask_each
from simulator.behaviour import Judgement
from simulator.cast import Cast, build_cast, real_choices, shuffled_choice
from simulator.critique import aggregate
from simulator.critiques import Fidelity, Simulation
from simulator.fidelity import measure_fidelity, ranking_auc, user_auc
from simulator.interpreting import HALF, interpret
from simulator.pages import PAGE_SIZE, Page
from simulator.personas import Persona
from simulator.role_play import RolePlay
from simulator.shown import Witness, nobody
from simulator.simulate import check_pages, mean
from simulator.wording import word

USERS = 20
CONCURRENCY = 4
TOO_MANY_FAILED = 1 / 3  # of those asked: the rest may no longer be a fair sample
LEAST_USERS = 5  # fewer have no bootstrap interval worth the name


def never() -> bool:
    return False


@dataclass(frozen=True, kw_only=True, eq=False)
class Company:
    """Users that a model plays, and how far they can be trusted: all that no trial changes. members: those whose
    exchanges were had. controls: by complaint, how many of how many members say so of their real choices."""

    cast: Cast
    ask: Ask
    model: str
    members: tuple[Persona, ...]
    fidelity: Fidelity
    controls: Mapping[str, tuple[int, int]]


@dataclass(frozen=True, kw_only=True)
class Acquaintance:
    """What one user's first exchanges told; None where the data has no question for it. by_popularity: the AUC of a
    ranking by popularity on the same choice."""

    auc: float | None
    by_popularity: float | None
    complaints: frozenset[str] | None


def simulate_with_llm(
    *,
    training: Interactions,
    questions: Questions,
    top_items: NDArray[np.int32],
    ask: Ask,
    model: str,
    n_users: int = USERS,
    seed: int = 0,
    concurrency: int = CONCURRENCY,
    cancelled: Callable[[], bool] = never,
    witness: Witness = nobody,
) -> Simulation:
    """The counterpart of `simulate`, played by `model` through `ask`, `concurrency` exchanges at once.

    Deterministic from seed, data and replies. Raises ValueError if top_items does not have one row per question,
    AskingStopped once `cancelled` says so, and whatever `ask` raises that is no failed exchange.
    """
    started = time.perf_counter()
    check_pages(top_items, questions)
    cast = build_cast(training, questions, n_users=n_users, seed=seed)
    company = acquaint(cast, ask=ask, model=model, concurrency=concurrency, cancelled=cancelled)
    simulation = interview(
        company, top_items=top_items, concurrency=concurrency, cancelled=cancelled, witness=witness
    )
    return replace(simulation, wall_s=time.perf_counter() - started)


def acquaint(
    cast: Cast, *, ask: Ask, model: str, concurrency: int = CONCURRENCY, cancelled: Callable[[], bool] = never
) -> Company:
    """Measure how well the model knows each user, and what it says of what he really chose."""
    told = ask_each(
        lambda persona: _meet(cast, persona, ask), cast.personas, concurrency=concurrency, cancelled=cancelled
    )
    met = [(persona, own) for persona, own in zip(cast.personas, told) if own is not None]
    aucs = np.array([own.auc for _, own in met if own.auc is not None])
    popular = [own.by_popularity for _, own in met if own.by_popularity is not None]
    fidelity = measure_fidelity(aucs, np.random.default_rng([cast.seed, 4]))
    said = [own.complaints for _, own in met if own.complaints is not None]
    voices = Counter(code for own in said for code in own)
    codes = [f"{kind}-{signal}" for kind in ("overused", "missed") for signal in cast.signals]
    return Company(
        cast=cast,
        ask=ask,
        model=model,
        members=tuple(persona for persona, _ in met),
        fidelity=replace(fidelity, by_popularity=float(np.mean(popular)) if popular else None),
        controls={code: (voices[code], len(said)) for code in codes} if said else {},
    )


def interview(
    company: Company,
    *,
    top_items: NDArray[np.int32],
    concurrency: int = CONCURRENCY,
    cancelled: Callable[[], bool] = never,
    witness: Witness = nobody,
) -> Simulation:
    """Show each member the first ten of his row of `top_items` (Q, K), best first, 0 where fewer exist.

    Raises what `simulate_with_llm` raises.
    """
    started = time.perf_counter()
    check_pages(top_items, company.cast.questions)
    failed = len(company.cast.personas) - len(company.members)
    silent = _no_vote(company, failed)
    judged: list[tuple[Page, Judgement] | None] = []
    if not silent:
        judged = ask_each(
            lambda persona: _judge(company, persona, top_items),
            company.members,
            concurrency=concurrency,
            cancelled=cancelled,
        )
    had = [pair for pair in judged if pair is not None]
    for page, judgement in had:
        witness(page, judgement)
    judgements = [judgement for _, judgement in had]
    failed += len(judged) - len(judgements)
    simulation = Simulation(
        users=len(company.cast.personas) - failed,
        seed=company.cast.seed,
        fidelity=company.fidelity,
        critiques=(),
        mean_align=mean([answer.align for j in judgements for answer in j.answers]),
        mean_rating=mean([a.rating for j in judgements for a in j.answers if a.rating is not None]),
        wall_s=time.perf_counter() - started,
        kind="llm",
        model=company.model,
        failed=failed,
        no_vote=silent or _no_vote(company, failed),
    )
    return simulation if simulation.no_vote else _conclude(company, simulation, judgements)


def _meet(cast: Cast, persona: Persona, ask: Ask) -> Acquaintance:
    """Raises what `ask` raises: a user counts only with all of his exchanges."""
    choice, control = shuffled_choice(cast, persona), real_choices(cast, persona)
    auc = by_popularity = complaints = None
    if choice is not None:
        target = int(cast.questions.targets[cast.rows[persona.user]])
        auc = ranking_auc(RolePlay(briefing=cast.now(persona), ask=ask).rank(choice), target)
        counts = cast.shelf.catalogue.counts
        others = np.array([counts[item.item] for item in choice.items if item.item != target])
        by_popularity = user_auc(counts[target], others)
    if control is not None:
        before, page = control
        remarks = RolePlay(briefing=before, ask=ask).judge(page).remarks
        complaints = frozenset(r.opinion.code for r in remarks if not r.opinion.positive)
    return Acquaintance(auc=auc, by_popularity=by_popularity, complaints=complaints)


def _judge(company: Company, persona: Persona, top_items: NDArray[np.int32]) -> tuple[Page, Judgement]:
    shown = top_items[company.cast.rows[persona.user], :PAGE_SIZE].astype(np.int64)
    briefing = company.cast.now(persona)
    page = briefing.page(shown[shown > 0])
    return page, RolePlay(briefing=briefing, ask=company.ask).judge(page)


def _no_vote(company: Company, failed: int) -> str:
    """Why these users are not heard; "" where they are."""
    asked, fidelity = len(company.cast.personas), company.fidelity
    if failed > TOO_MANY_FAILED * asked:
        return f"{failed} of {asked} users could not be asked: the model's answers did not come or were malformed"
    if fidelity.users < LEAST_USERS:
        return (
            f"only {fidelity.users} users could be tested on their real next choice; {LEAST_USERS} are needed"
        )
    if not fidelity.beats_chance:
        return (
            f"on {fidelity.users} users' real next choices the model is not surely better than chance "
            f"(AUC {fidelity.auc:.2f}, 95 % interval {fidelity.low:.2f}-{fidelity.high:.2f}; .5 is chance)"
        )
    return ""


def _conclude(company: Company, simulation: Simulation, judgements: list[Judgement]) -> Simulation:
    """Critiques that count, and what they come to. Praise has no control page: surely most users must say it."""
    critiques = aggregate(
        judgements,
        controls=company.controls,
        fidelity=company.fidelity,
        least_praise=HALF,
        origin="llm:",
    )
    counted = interpret(judgements, critiques, np.random.default_rng([company.cast.seed, 5]))
    worded = word(counted, judgements, signals=company.cast.signals, ask=company.ask, model=company.model)
    return replace(simulation, critiques=critiques, interpretation=worded)

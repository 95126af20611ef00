"""Asks LLM-played users about the pages of one trial.

There are three kinds of LLM calls, separate so that none can influence another: a choice among ten items with the
real next choice hidden among them, which measures fidelity; an interview on the user's real choices, whose complaints
are the control that every complaint must exceed; and an interview on the trial's page. Only the last depends on the
trial. The first two are the same for all trials, so a cache answers them, or `meet` is called only once. For 20 users
that is at most 40 calls once, then 20 per trial and one to word the results. If the LLM does no better than chance,
no page is shown, since the answers would not count.

With 20 users the interval of the AUC is about +/- .13, and that of a share of one half +/- .2. If utilities are
normal, an LLM of true AUC .6 passes the fidelity test in 28 of 100 cases, of .7 in 82, of .75 in 97, and one at
chance in 3. Only what most users say becomes a critique. Being above chance is not much: popularity alone achieves
that (AUC .7 on the built-in shop, .8 on MovieLens-100k), so its AUC on the same choices is reported beside the LLM's.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from seeds.amounts import number
from seeds.interactions import Interactions, Questions
from simulator.asking import Ask, ask_each
from simulator.behaviour import Judgement
from simulator.chosen_users import ChosenUsers, choose_users, real_choices, shuffled_choice
from simulator.critique import aggregate, count_complaints
from simulator.critiques import Fidelity, Simulation
from simulator.fidelity import measure_fidelity, ranking_auc, user_auc
from simulator.interpreting import HALF, interpret
from simulator.pages import PAGE_SIZE, Page
from simulator.personas import Persona
from simulator.rewording import word
from simulator.role_play import RolePlay
from simulator.shown import Witness, nobody
from simulator.simulate import check_pages, mean

USERS = 20
CONCURRENCY = 4
TOO_MANY_FAILED = 1 / 3  # share of the users asked; beyond it, the rest may no longer be a fair sample
LEAST_USERS = 5  # a bootstrap interval over fewer users means little


def never() -> bool:
    """A `cancelled` function for callers that do not cancel."""
    return False


@dataclass(frozen=True, kw_only=True, eq=False)
class PlayedUsers:
    """LLM-played users and their fidelity; independent of any trial, so computed only once.

    members: the users whose LLM calls all succeeded
    controls: code of a complaint -> (how many members make it about their real choices, how many were asked)
    """

    chosen: ChosenUsers
    ask: Ask
    model: str
    members: tuple[Persona, ...]
    fidelity: Fidelity
    controls: Mapping[str, tuple[int, int]]


@dataclass(frozen=True, kw_only=True)
class FirstAnswers:
    """The results of one user's first two LLM calls; None if the data has no question for it.

    auc: of the LLM's ranking
    by_popularity: AUC of ranking the same choice by popularity
    complaints: codes of the complaints about the user's real choices
    """

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
    """The counterpart of `simulate` with users played by `model`, with `concurrency` LLM calls at once.

    Deterministic given seed, data and replies. Raises ValueError if top_items does not have one row per question,
    AskingStopped once `cancelled` returns true, and any exception of `ask` that is no failed LLM call.
    """
    started = time.perf_counter()
    check_pages(top_items, questions)
    chosen = choose_users(training, questions, n_users=n_users, seed=seed)
    played = meet(chosen, ask=ask, model=model, concurrency=concurrency, cancelled=cancelled)
    simulation = interview(
        played, top_items=top_items, concurrency=concurrency, cancelled=cancelled, witness=witness
    )
    return replace(simulation, wall_s=time.perf_counter() - started)


def meet(
    chosen: ChosenUsers,
    *,
    ask: Ask,
    model: str,
    concurrency: int = CONCURRENCY,
    cancelled: Callable[[], bool] = never,
) -> PlayedUsers:
    """Measure how well the LLM knows each user, and collect the complaints about the user's real choices."""
    told = ask_each(
        lambda persona: _meet(chosen, persona, ask),
        chosen.personas,
        concurrency=concurrency,
        cancelled=cancelled,
    )
    met = [(persona, own) for persona, own in zip(chosen.personas, told) if own is not None]
    aucs = np.array([own.auc for _, own in met if own.auc is not None])
    popular = [own.by_popularity for _, own in met if own.by_popularity is not None]
    fidelity = measure_fidelity(aucs, np.random.default_rng([chosen.seed, 4]))
    said = [own.complaints for _, own in met if own.complaints is not None]
    complaints = Counter(code for own in said for code in own)
    codes = [f"{kind}-{signal}" for kind in ("overused", "missed") for signal in chosen.signals]
    return PlayedUsers(
        chosen=chosen,
        ask=ask,
        model=model,
        members=tuple(persona for persona, _ in met),
        fidelity=replace(fidelity, by_popularity=float(np.mean(popular)) if popular else None),
        controls={code: (complaints[code], len(said)) for code in codes} if said else {},
    )


def interview(
    played: PlayedUsers,
    *,
    top_items: NDArray[np.int32],
    concurrency: int = CONCURRENCY,
    cancelled: Callable[[], bool] = never,
    witness: Witness = nobody,
) -> Simulation:
    """Show each member the first ten items of the user's row of `top_items` (Q, K), best first, 0 if there are fewer.

    Raises the same errors as `simulate_with_llm`.
    """
    started = time.perf_counter()
    check_pages(top_items, played.chosen.questions)
    failed = len(played.chosen.personas) - len(played.members)
    silent = _no_vote(played, failed)
    judged: list[tuple[Page, Judgement] | None] = []
    if not silent:
        judged = ask_each(
            lambda persona: _judge(played, persona, top_items),
            played.members,
            concurrency=concurrency,
            cancelled=cancelled,
        )
    had = [pair for pair in judged if pair is not None]
    for page, judgement in had:
        witness(page, judgement)
    judgements = [judgement for _, judgement in had]
    failed += len(judged) - len(judgements)
    simulation = Simulation(
        users=len(played.chosen.personas) - failed,
        seed=played.chosen.seed,
        fidelity=played.fidelity,
        critiques=(),
        mean_align=mean([answer.align for j in judgements for answer in j.answers]),
        mean_rating=mean([a.rating for j in judgements for a in j.answers if a.rating is not None]),
        wall_s=time.perf_counter() - started,
        kind="llm",
        model=played.model,
        failed=failed,
        no_vote=silent or _no_vote(played, failed),
    )
    return simulation if simulation.no_vote else _conclude(played, simulation, judgements)


def _meet(chosen: ChosenUsers, persona: Persona, ask: Ask) -> FirstAnswers:
    """A user's first two LLM calls. Raises any error of `ask`, since a user counts only if all calls succeed."""
    choice, control = shuffled_choice(chosen, persona), real_choices(chosen, persona)
    auc = by_popularity = complaints = None
    if choice is not None:
        target = int(chosen.questions.targets[chosen.rows[persona.user]])
        auc = ranking_auc(RolePlay(briefing=chosen.now(persona), ask=ask).rank(choice), target)
        counts = chosen.shelf.catalogue.counts
        others = np.array([counts[item.item] for item in choice.items if item.item != target])
        by_popularity = user_auc(counts[target], others)
    if control is not None:
        before, page = control
        remarks = RolePlay(briefing=before, ask=ask).judge(page).remarks
        complaints = frozenset(r.opinion.code for r in remarks if not r.opinion.positive)
    return FirstAnswers(auc=auc, by_popularity=by_popularity, complaints=complaints)


def _judge(played: PlayedUsers, persona: Persona, top_items: NDArray[np.int32]) -> tuple[Page, Judgement]:
    shown = top_items[played.chosen.rows[persona.user], :PAGE_SIZE].astype(np.int64)
    briefing = played.chosen.now(persona)
    page = briefing.page(shown[shown > 0])
    return page, RolePlay(briefing=briefing, ask=played.ask).judge(page)


def _no_vote(played: PlayedUsers, failed: int) -> str:
    """Why these users' critiques do not count; "" if they do."""
    asked, fidelity = len(played.chosen.personas), played.fidelity
    if failed > TOO_MANY_FAILED * asked:
        return f"{failed} of {asked} users could not be asked: the model's answers did not come or were malformed"
    if fidelity.users < LEAST_USERS:
        return (
            f"only {fidelity.users} users could be tested on their real next choice; {LEAST_USERS} are needed"
        )
    if not fidelity.beats_chance:
        return (
            f"on {fidelity.users} users' real next choices the model is not surely better than chance "
            f"(AUC {number(fidelity.auc)}, 95 % [{number(fidelity.low)}, {number(fidelity.high)}]; .5 is chance)"
        )
    return ""


def _conclude(played: PlayedUsers, simulation: Simulation, judgements: list[Judgement]) -> Simulation:
    """Add critiques and interpretation. Praise has no control page, so surely most users must give it."""
    critiques = aggregate(
        judgements,
        controls=played.controls,
        fidelity=played.fidelity,
        least_praise=HALF,
        origin="llm:",
    )
    counted = interpret(judgements, critiques, np.random.default_rng([played.chosen.seed, 5]))
    worded = word(counted, judgements, signals=played.chosen.signals, ask=played.ask, model=played.model)
    asked = max((number for _, number in played.controls.values()), default=0)
    voices = count_complaints(judgements, controls=played.controls, asked=asked)
    return replace(simulation, critiques=critiques, interpretation=worded, voices=voices)

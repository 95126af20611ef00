"""Asks statistical users about the pages of one trial.

Runs in the job. Personas and their choice model are made from training events; the labels serve only to measure how
far the personas can be trusted.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import compress

import numpy as np
from numpy.typing import NDArray

from seeds.interactions import Interactions, Questions
from simulator.controls import count_voices, opinions_on_random_page, opinions_on_real_choices
from simulator.critique import aggregate, count_complaints
from simulator.critiques import Silent, Simulation
from simulator.fidelity import measure_fidelity, next_choice_auc, silent_traits
from simulator.interpreting import interpret
from simulator.pages import PAGE_SIZE
from simulator.population import Population, build_population, embody
from simulator.shown import Witness, nobody


def simulate(
    *,
    training: Interactions,
    questions: Questions,
    top_items: NDArray[np.int32],
    n_users: int = 200,
    seed: int = 0,
    witness: Witness = nobody,
) -> Simulation:
    """Show at most n_users simulated users the first ten items of `top_items` (Q, K) and collect their judgements.

    top_items: row q answers question q, best first, 0 if there are fewer
    witness: called with every page and its judgement
    Deterministic given `seed` and the data. If the personas do no better than chance, there are no critiques;
    users of a trait at chance level have no vote.
    Raises ValueError if top_items does not have one row per question.
    """
    started = time.perf_counter()
    population = build_population(training, questions, n_users=n_users, seed=seed)
    simulation = ask(population, questions=questions, top_items=top_items, seed=seed, witness=witness)
    return replace(simulation, wall_s=time.perf_counter() - started)


def ask(
    population: Population,
    *,
    questions: Questions,
    top_items: NDArray[np.int32],
    seed: int,
    witness: Witness = nobody,
) -> Simulation:
    """Like `simulate`, with an existing population, so that several trials can be shown to the same users.

    Raises ValueError if top_items does not have one row per question.
    """
    started = time.perf_counter()
    check_pages(top_items, questions)
    rows = {int(user): row for row, user in enumerate(questions.users)}
    judgements, aucs, on_real, on_random = [], [], [], []
    for persona in population.personas:
        row, rng = rows[persona.user], np.random.default_rng([seed, 1, persona.user])
        behaviour = embody(population, persona, questions.history(row), rng)
        shown = top_items[row, :PAGE_SIZE].astype(np.int64)
        page = population.shelf.page(persona.user, shown[shown > 0], questions.history(row))
        judgements.append(behaviour.judge(page))
        witness(page, judgements[-1])
        on_real.append(opinions_on_real_choices(population, behaviour.view))
        on_random.append(opinions_on_random_page(population, behaviour.view, rng))
        aucs.append(next_choice_auc(behaviour.view, int(questions.targets[row]), rng))
    known = np.array([auc for auc in aucs if auc is not None])
    fidelity = measure_fidelity(known, np.random.default_rng([seed, 2]))
    trusted = fidelity.beats_chance
    silent = silent_traits([one.traits for one in population.personas], aucs, [seed, 6]) if trusted else ()
    mute = {one.trait for one in silent}
    votes = [mute.isdisjoint(one.traits) for one in population.personas]
    voting, trusted = list(compress(judgements, votes)), trusted and any(votes)
    on_real, on_random = list(compress(on_real, votes)), list(compress(on_random, votes))
    controls = {**count_voices(on_real, positive=False), **count_voices(on_random, positive=True)}
    critiques = aggregate(voting, controls=controls, fidelity=fidelity) if trusted else ()
    asked = sum(own is not None for own in on_real)
    rng = np.random.default_rng([seed, 5])
    return Simulation(
        users=len(judgements),
        seed=seed,
        fidelity=fidelity,
        critiques=critiques,
        mean_align=mean([answer.align for j in judgements for answer in j.answers]),
        mean_rating=mean([a.rating for j in judgements for a in j.answers if a.rating is not None]),
        wall_s=time.perf_counter() - started,
        no_vote="" if trusted else _no_vote(silent),
        interpretation=interpret(voting, critiques, rng) if trusted else None,
        voices=count_complaints(voting, controls=controls, asked=asked) if trusted else (),
        silent=silent,
    )


def _no_vote(silent: Sequence[Silent]) -> str:
    chance = "on their users' real next choices they are not surely better than chance"
    return f"{chance}, each trait by itself" if silent else chance


def check_pages(top_items: NDArray[np.int32], questions: Questions) -> None:
    """Raises ValueError if top_items does not have one row per question."""
    if top_items.ndim != 2 or len(top_items) != len(questions):
        raise ValueError(
            f"top_items has shape {top_items.shape}; expected one row for each of {len(questions)} questions"
        )


def mean(values: list[int] | list[bool]) -> float | None:
    """The mean; None without values."""
    return float(np.mean(values)) if values else None

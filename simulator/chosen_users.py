"""The users that an LLM plays, and the pages that measure how far each can be trusted.

Nothing here depends on a trial, so for all trials of a run the LLM calls on these pages are the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from seeds.interactions import Int64, Interactions, Questions
from simulator.briefing import Briefing
from simulator.catalogue import build_catalogue
from simulator.controls import LEAST_CHOICES
from simulator.features import available_columns
from simulator.pages import PAGE_SIZE, Page, PageMaker, build_shelf
from simulator.panel import FIRST_POSITION, untouched_items
from simulator.personas import Persona
from simulator.population import choose_personas
from simulator.viewpoint import signals_of

CHOICE_SET = 10  # the real next choice and nine random items


@dataclass(frozen=True, kw_only=True, eq=False)
class ChosenUsers:
    """The sampled users with their questions.

    rows: user id -> row of the user's question
    signals: the signals that the data can show
    """

    questions: Questions
    shelf: PageMaker
    personas: tuple[Persona, ...]
    rows: Mapping[int, int]
    signals: tuple[str, ...]
    seed: int

    def briefing(self, persona: Persona, history: Int64) -> Briefing:
        """The user after `history`, int64 (T,), oldest first."""
        return Briefing(persona=persona, shelf=self.shelf, history=history, signals=self.signals)

    def now(self, persona: Persona) -> Briefing:
        """The user at the moment of his question."""
        return self.briefing(persona, self.questions.history(self.rows[persona.user]))


def choose_users(training: Interactions, questions: Questions, *, n_users: int, seed: int) -> ChosenUsers:
    """Sample at most n_users users over all kinds of personas."""
    catalogue = build_catalogue(training)
    return ChosenUsers(
        questions=questions,
        shelf=build_shelf(training, catalogue),
        personas=choose_personas(training, questions, n_users, np.random.default_rng([seed, 0])),
        rows={int(user): row for row, user in enumerate(questions.users)},
        signals=signals_of(available_columns(catalogue)),
        seed=seed,
    )


def shuffled_choice(cast: ChosenUsers, persona: Persona) -> Page | None:
    """The user's real next choice among random items he never touched, in random order.

    None if he had that item before, or if no other items are left.
    """
    briefing = cast.now(persona)
    target = int(cast.questions.targets[cast.rows[persona.user]])
    free = untouched_items(briefing.history, cast.shelf.catalogue.n_items)
    others = free[free != target]
    if target not in free or not len(others):
        return None
    rng = np.random.default_rng([cast.seed, 3, persona.user])
    drawn = rng.choice(others, size=min(CHOICE_SET - 1, len(others)), replace=False)
    return briefing.page(rng.permutation(np.append(drawn, target)))


def real_choices(cast: ChosenUsers, persona: Persona) -> tuple[Briefing, Page] | None:
    """The user before his last few first-time choices, and these choices as his page, the earliest first.

    Complaints are compared with what the user says of this page. None if he made fewer than LEAST_CHOICES. Unlike in
    the statistical control, the choices' own events count in the popularity and average rating of their items.
    """
    history = cast.shelf.training.history(persona.user)
    first = np.sort(np.unique(history, return_index=True)[1])
    chosen = first[first >= FIRST_POSITION][-PAGE_SIZE:]
    if len(chosen) < LEAST_CHOICES:
        return None
    before = cast.briefing(persona, history[: chosen[0]])
    return before, before.page(history[chosen])

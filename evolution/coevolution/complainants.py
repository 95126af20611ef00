"""Which simulated users make which complaint about one trial. A probe is admitted only if it measures them as worse
off.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seeds.interactions import Interactions, Questions
from simulator.pages import PAGE_SIZE
from simulator.population import build_population, embody


@dataclass(frozen=True, kw_only=True)
class Complainants:
    """The complaints of the statistical personas about one trial.

    asked: ids of the users asked.
    said: code of a complaint -> ids of the users who make it.
    """

    asked: tuple[int, ...]
    said: Mapping[str, tuple[int, ...]]

    def of(self, codes: tuple[str, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """(users who make one of these complaints, users who do not)."""
        complaining = {user for code in codes for user in self.said.get(code, ())}
        return tuple(sorted(complaining)), tuple(user for user in self.asked if user not in complaining)


def complainants_of(
    training: Interactions, questions: Questions, top_items: NDArray[np.int32], *, n_users: int, seed: int
) -> Complainants:
    """Let statistical personas judge the first page of every list.

    top_items: int32 (Q, K); row q answers question q.
    """
    population = build_population(training, questions, n_users=n_users, seed=seed)
    rows = {int(user): row for row, user in enumerate(questions.users)}
    said: dict[str, list[int]] = {}
    for persona in population.personas:
        row = rows[persona.user]
        behaviour = embody(
            population, persona, questions.history(row), np.random.default_rng([seed, 1, persona.user])
        )
        shown = top_items[row, :PAGE_SIZE].astype(np.int64)
        page = population.shelf.page(persona.user, shown[shown > 0], questions.history(row))
        for remark in behaviour.judge(page).remarks:
            if not remark.opinion.positive:
                said.setdefault(remark.opinion.code, []).append(persona.user)
    return Complainants(
        asked=tuple(persona.user for persona in population.personas),
        said={code: tuple(users) for code, users in said.items()},
    )

"""Strategies: proposer x feedback x selection, one row each, so that systems can be compared.

Without an LLM every strategy but `tune` draws from the recipes. `Choice` says how, so that the strategies differ in what they
know.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from evolution.domain.request import StrategyName
from evolution.proposers.selection import Selection


class Told(StrEnum):
    """What a proposer knows of the parent, beside its code and its objective."""

    FEEDBACK = (
        "feedback"  # findings, critiques, earlier ideas with their effects on these, literature about them
    )
    LITERATURE = "literature"  # earlier ideas with their objectives, literature
    SCALAR = "scalar"  # earlier ideas with their objectives
    NOTHING = "nothing"


class Choice(StrEnum):
    """How recipes are drawn."""

    TRIGGERED = "triggered"  # by the open findings and critiques that call for them, and their past effect
    PROMISE = "promise"  # by their prior from the literature, whatever is open
    OUTCOME = "outcome"  # by how they changed the objective earlier in the run
    RANDOM = "random"  # uniformly
    NUMBERS = "numbers"  # no recipes: the numbers of the configuration, by TPE from how they did in the run


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """One row of the comparison.

    drafts: how many different first candidates the user's version gets before anything is refined.
    steps: how many recipes one candidate combines at most.
    llm: whether an LLM may propose, if there is one.
    """

    name: StrategyName
    told: Told
    choice: Choice
    selection: Selection
    drafts: int
    steps: int = 1
    llm: bool = True
    about: str = ""

    @property
    def directional(self) -> bool:
        """Whether the strategy uses findings and critiques."""
        return self.told is Told.FEEDBACK


STRATEGIES: Mapping[str, Strategy] = {
    row.name: row
    for row in (
        Strategy(
            name=StrategyName.DIRECTIONAL,
            told=Told.FEEDBACK,
            choice=Choice.TRIGGERED,
            selection=Selection.PARETO,
            drafts=3,
            about="findings and critiques say why; probes evolve (Self-EvolveRec, arXiv 2602.12612)",
        ),
        Strategy(
            name=StrategyName.RESEARCH,
            told=Told.LITERATURE,
            choice=Choice.PROMISE,
            selection=Selection.PARETO,
            drafts=3,
            about="literature and the objective alone (DeepEvolve, arXiv 2510.06056)",
        ),
        Strategy(
            name=StrategyName.SCALAR,
            told=Told.SCALAR,
            choice=Choice.OUTCOME,
            selection=Selection.PARETO,
            drafts=3,
            about="the objective alone (AlphaEvolve, arXiv 2506.13131)",
        ),
        Strategy(
            name=StrategyName.NAS,
            told=Told.NOTHING,
            choice=Choice.RANDOM,
            selection=Selection.TOURNAMENT,
            drafts=3,
            llm=False,
            about="recipes at random in a fixed space, tournament selection (regularised evolution)",
        ),
        Strategy(
            name=StrategyName.SAMPLE,
            told=Told.NOTHING,
            choice=Choice.RANDOM,
            selection=Selection.ROOT,
            drafts=0,
            steps=3,
            about="independent drafts of the user's version",
        ),
        Strategy(
            name=StrategyName.GREEDY,
            told=Told.SCALAR,
            choice=Choice.RANDOM,
            selection=Selection.BEST,
            drafts=0,
            about="one change at a time on the best so far",
        ),
        Strategy(
            name=StrategyName.TUNE,
            told=Told.SCALAR,
            choice=Choice.NUMBERS,
            selection=Selection.ROOT,
            drafts=0,
            llm=False,
            about="no change of the code: the numbers of the configuration, by TPE (Optuna, arXiv 1907.10902)",
        ),
    )
}

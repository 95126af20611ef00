"""Strategies: what proposes x what it is told x what it builds on. One row each, so that systems can be compared.

Without an LLM every strategy draws from the recipes; `Choice` says how, so that rows differ in what they know.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from evolution.domain.request import StrategyName
from evolution.proposers.selection import Selection


class Told(StrEnum):
    """What a proposer is told of the parent, beside its code and its objective."""

    FEEDBACK = "feedback"  # findings, critiques, history with its effects on them, literature for them
    LITERATURE = "literature"  # history of objectives, and what the literature holds promising
    SCALAR = "scalar"  # history of objectives
    NOTHING = "nothing"


class Choice(StrEnum):
    """How recipes are drawn."""

    TRIGGERED = "triggered"  # those that open findings and critiques call for, by severity and past effect
    PROMISE = "promise"  # by what the literature says of them, whatever is open
    OUTCOME = "outcome"  # by the objective they reached elsewhere in the run
    RANDOM = "random"  # all alike


@dataclass(frozen=True, kw_only=True)
class Strategy:
    """drafts: how many different first ideas the user's own version gets before anything is refined. steps: how
    many recipes are drawn for one candidate at most. llm: whether an LLM may propose where there is one."""

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
    )
}

"""The planner: search queries, literature, a report of ideas, one reflection, and a choice that is checked in code."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evolution.domain.proposal import Idea
from evolution.domain.run import NodeStatus
from evolution.laboratory.laboratory import Laboratory
from evolution.literature.passage import Passage
from evolution.llm.asking import Ask
from evolution.proposers.coding.views import one_line
from evolution.proposers.planning.briefing import briefing, worth_telling
from evolution.proposers.planning.eligibility import Open, objection, out_of_reach, ranked
from evolution.proposers.planning.replies import PlannedIdea, Queries, Reflection, Report
from evolution.proposers.selection import ideas
from evolution.proposers.situation import Situation
from evolution.proposers.strategies import Told

PASSAGES = 8


# (queries, codes of findings and critiques, limit) -> at most `limit` passages, best first.
Retrieve = Callable[[Sequence[str], Sequence[str], int], Sequence[Passage]]


@dataclass(frozen=True, kw_only=True)
class Planned:
    """The outcome of planning.

    ideas: those that may be tried, best first, each with the change in words.
    refused: (code, why) of the others.
    """

    ideas: tuple[tuple[Idea, str], ...]
    refused: tuple[tuple[str, str], ...]
    passages: tuple[Passage, ...]


@dataclass(frozen=True, kw_only=True)
class Planner:
    """Plans ideas for a parent.

    model: the model's name, which its ideas are marked with.
    left: by program, the ideas of its last plan that were eligible, with the passages that were shown.
    """

    laboratory: Laboratory
    ask: Ask
    retrieve: Retrieve
    model: str
    left: dict[str, tuple[tuple[PlannedIdea, ...], tuple[Passage, ...]]] = field(default_factory=dict)

    def plan(self, situation: Situation) -> Planned:
        """Ideas for the situation's parent. Raises LlmError if the endpoint gives no plan."""
        still = still_open(situation)
        if (kept := self._left_over(situation, still)) is not None:
            return kept
        values = briefing(self.laboratory, situation)
        passages = self._search(situation, values)
        report = self.ask("plan-report", {**values, "passages": _facts(passages)}, Report)
        objections = self._objections(report.ideas, still, situation)
        second = self.ask(
            "plan-reflect",
            {
                **values,
                "passages": _facts(passages),
                "report": fenced(report.model_dump()),
                "objections": [objections[idea.code] for idea in report.ideas],
            },
            Reflection,
        )
        replaced = {idea.code for idea in second.ideas}
        found = [*second.ideas, *(idea for idea in report.ideas if idea.code not in replaced)]
        objections = self._objections(found, still, situation)
        order = ranked(found, second.chosen, situation.progress)
        eligible = tuple(idea for idea in order if not objections[idea.code])
        self.left[situation.parent.program] = (eligible, tuple(passages))
        return Planned(
            ideas=tuple((self._idea(idea, passages), idea.change) for idea in eligible),
            refused=tuple((idea.code, objections[idea.code]) for idea in order if objections[idea.code]),
            passages=tuple(passages),
        )

    def _left_over(self, situation: Situation, still: Open) -> Planned | None:
        """The ideas of the parent's last plan that may still be tried; None if none is left, and one has to be paid for."""
        ideas, passages = self.left.get(situation.parent.program, ((), ()))
        objections = self._objections(ideas, still, situation)
        left = [idea for idea in ideas if not objections[idea.code]]
        if not left:
            return None
        self.left[situation.parent.program] = (tuple(left), passages)
        return Planned(
            ideas=tuple((self._idea(idea, passages), idea.change) for idea in left),
            refused=(),
            passages=passages,
        )

    def _search(self, situation: Situation, values: Mapping[str, Any]) -> list[Passage]:
        """Passages from the literature; [] for strategies that do not use it."""
        if situation.strategy.told not in (Told.FEEDBACK, Told.LITERATURE):
            return []
        queries = self.ask("plan-queries", values, Queries)
        codes = [*(f["code"] for f in values["findings"]), *(c["code"] for c in values["critiques"])]
        return list(self.retrieve([query.text for query in queries.queries], codes, PASSAGES))

    def _objections(self, found: Sequence[PlannedIdea], still: Open, situation: Situation) -> dict[str, str]:
        directional = situation.strategy.directional
        programs, program = self.laboratory.programs, situation.parent.program
        editable = programs.sources(program, self.laboratory.config.recommender.editable)
        others = set(programs.files(program)) - set(editable)
        return {
            idea.code: objection(idea, still, directional=directional) or out_of_reach(idea, editable, others)
            for idea in found
        }

    def _idea(self, planned: PlannedIdea, passages: Sequence[Passage]) -> Idea:
        cited = {_name(place): passage for place, passage in enumerate(passages)}
        return Idea(
            code=planned.code,
            title=planned.title[:80],
            rationale=planned.why,
            addresses=tuple(dict.fromkeys(planned.addresses)),
            rests_on=tuple(cited[name].citation for name in dict.fromkeys(planned.sources) if name in cited),
            proposer=self.model,
        )


def still_open(situation: Situation) -> Open:
    """The findings and critiques of the parent, and the ideas already tried there."""
    feedback, archive = situation.feedback, situation.archive
    children = archive.children(situation.parent.program)
    return Open(
        findings={finding.id for finding in worth_telling(feedback)},
        critiques={critique.id for critique in feedback.complaints()},
        tried={
            *ideas(archive, situation.parent),
            *(node.idea.code for node in children if node.idea and node.status is not NodeStatus.VOID),
        },
        void={node.idea.code for node in children if node.idea and node.status is NodeStatus.VOID},
    )


def _facts(passages: Sequence[Passage]) -> list[dict[str, Any]]:
    return [
        {
            "id": _name(place),
            "title": one_line(passage.title),
            "year": passage.year,
            "text": one_line(passage.text),
        }
        for place, passage in enumerate(passages)
    ]


def fenced(value: Any) -> Any:
    """The same document with each of its texts on one line that cannot end the fence around it."""
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, dict):
        return {key: fenced(item) for key, item in value.items()}
    return [fenced(item) for item in value] if isinstance(value, list) else value


def _name(place: int) -> str:
    return f"P{place + 1}"

"""The planner: search queries, literature, a report of ideas, a second look where it is due, and a choice that is checked in code."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from evolution.domain.proposal import Idea
from evolution.domain.run import UNTRIED, Node, NodeStatus
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
class _Kept:
    """A plan as it was made for a program.

    measured: how many of the run's attempts had been measured by then.
    """

    report: Report
    passages: tuple[Passage, ...]
    measured: int


@dataclass(frozen=True, kw_only=True)
class Planner:
    """Plans ideas for a parent.

    A plan is looked at a second time where something speaks against it: its first idea breaks a rule, or attempts were
    measured after it was made.

    model: the model's name, which its ideas are marked with.
    left: by program, its last plan.
    """

    laboratory: Laboratory
    ask: Ask
    retrieve: Retrieve
    model: str
    left: dict[str, _Kept] = field(default_factory=dict)

    def plan(self, situation: Situation) -> Planned:
        """Ideas for the situation's parent. Raises LlmError if the endpoint gives no plan."""
        still = still_open(situation)
        values = briefing(self.laboratory, situation)
        kept = self._left_over(situation, still)
        if kept is None:
            passages = tuple(self._search(situation, values))
            report = self.ask("plan-report", {**values, "passages": _facts(passages)}, Report)
        else:
            passages, report = kept.passages, kept.report
        measured = len(_measured(situation))
        is_old = kept is not None and kept.measured < measured
        objections = self._objections(report.ideas, still, situation)
        if is_old or self._is_broken(report, objections, situation):
            report = self._second_look(values, report, passages, objections, is_old=is_old)
            objections = self._objections(report.ideas, still, situation)
        order = ranked(report.ideas, report.chosen, situation.progress)
        self.left[situation.parent.program] = _Kept(report=report, passages=passages, measured=measured)
        return Planned(
            ideas=tuple(
                (self._idea(idea, passages), idea.change) for idea in order if not objections[idea.code]
            ),
            refused=tuple((idea.code, objections[idea.code]) for idea in order if objections[idea.code]),
            passages=passages,
        )

    def _left_over(self, situation: Situation, still: Open) -> _Kept | None:
        """The parent's last plan with the ideas that may still be tried; None if none is left, and one has to be paid for."""
        kept = self.left.get(situation.parent.program)
        if kept is None:
            return None
        objections = self._objections(kept.report.ideas, still, situation)
        left = [idea for idea in kept.report.ideas if not objections[idea.code]]
        if not left:
            return None
        first = ranked(left, kept.report.chosen, situation.progress)[0].code
        return replace(kept, report=kept.report.model_copy(update={"ideas": left, "chosen": first}))

    def _is_broken(self, report: Report, objections: Mapping[str, str], situation: Situation) -> bool:
        """Whether the chosen idea may not be tried, or fewer ideas than are wanted."""
        eligible = [code for code in objections if not objections[code]]
        return report.chosen not in eligible or len(eligible) < situation.count

    def _second_look(
        self,
        values: Mapping[str, Any],
        report: Report,
        passages: Sequence[Passage],
        objections: Mapping[str, str],
        *,
        is_old: bool,
    ) -> Report:
        """The plan with what the model corrects of it. is_old: attempts were measured after it was made."""
        second = self.ask(
            "plan-reflect",
            {
                **values,
                "passages": _facts(passages),
                "report": fenced(report.model_dump()),
                "objections": [objections[idea.code] for idea in report.ideas],
                "is_old": is_old,
            },
            Reflection,
        )
        replaced = {idea.code for idea in second.ideas}
        found = [*second.ideas, *(idea for idea in report.ideas if idea.code not in replaced)]
        return report.model_copy(update={"ideas": found, "chosen": second.chosen})

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


def _measured(situation: Situation) -> list[Node]:
    return [node for node in situation.archive.nodes if node.idea is not None and node.status not in UNTRIED]


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

"""The proposer with an LLM: the planner has ideas, the coder carries them out, the debugger repairs the patches."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path

from evolution.base.errors import LlmError
from evolution.domain.proposal import Idea
from evolution.domain.trial import Trial
from evolution.laboratory.candidates import Candidate
from evolution.laboratory.candidates import carry_out as as_candidate
from evolution.laboratory.laboratory import Laboratory
from evolution.llm.asking import Ask
from evolution.proposers.coding.checks import for_interpreter
from evolution.proposers.coding.coder import Coding
from evolution.proposers.coding.records import Coded, CodingRound, GaveUp, Task
from evolution.proposers.combining import combination
from evolution.proposers.normal_form import normal_form
from evolution.proposers.planning.briefing import data_words
from evolution.proposers.planning.planner import Planned, Planner
from evolution.proposers.situation import Attempt, NotMade, Proposer, Revisable, Situation

SPARE = 1  # further ideas that are tried if one does not become a program
NO_PLAN = "no-plan"
SAME_AGAIN = "the debugger was told that the patch has no effect, and wrote the same program again"


class LlmProposer:
    """Proposes candidates that an LLM planned and wrote."""

    def __init__(self, laboratory: Laboratory, planner: Planner, ask: Ask) -> None:
        self._laboratory, self._planner, self._ask = laboratory, planner, ask

    def propose(self, situation: Situation) -> Sequence[Attempt]:
        """Candidates, and ideas that became none. If the endpoint gives no plan, a NotMade says so.

        Verified gains that touch different code are combined before a new idea is paid for.
        """
        joined = combination(self._laboratory, situation.archive, situation.parent)
        if joined is not None and not self._is_known(situation, joined.child):
            return [joined]
        try:
            planned = self._planner.plan(situation)
        except LlmError as error:
            return [_no_plan(self._planner.model, str(error))]
        if not planned.ideas:
            return [_no_plan(self._planner.model, _why_none(planned))]
        found: list[Attempt] = []
        made = 0
        for idea, change in planned.ideas[: situation.count + SPARE]:
            if made == situation.count:
                break
            attempt = self._attempt(situation, idea, change)
            found.append(attempt)
            made += isinstance(attempt, Candidate)
        return found

    def _attempt(self, situation: Situation, idea: Idea, change: str) -> Attempt:
        task = self._task(situation, idea, change)
        coding = Coding(
            task,
            ask=self._ask,
            smoke=lambda files: self._smoke(situation, files),
            hindrance=for_interpreter(Path(self._laboratory.context.settings.python)),
        )
        made = self._as_attempt(situation, task, coding.run())
        if not isinstance(made, Candidate):
            return made
        return Revisable(
            **{each.name: getattr(made, each.name) for each in fields(made)},
            again=lambda why: self._revised(situation, task, coding.again(why), made),
        )

    def _revised(self, situation: Situation, task: Task, coded: Coded | GaveUp, void: Candidate) -> Attempt:
        """The attempt after the debugger was told that the patch is void; a patch that means the same is none."""
        made = self._as_attempt(situation, task, coded)
        if isinstance(made, Candidate) and self._means_the_same(made.child, [void.child]):
            return NotMade(idea=made.idea, why=SAME_AGAIN, rounds=made.rounds)
        return made

    def _as_attempt(self, situation: Situation, task: Task, coded: Coded | GaveUp) -> Attempt:
        idea = task.idea
        rounds = tuple(round_words(done) for done in coded.rounds)
        if not isinstance(coded, Coded):
            return NotMade(idea=idea, why=coded.reason, rounds=rounds)
        base = situation.parent.program
        made = as_candidate(
            self._laboratory, base, task.sources, idea, coded.edits, " ".join(coded.notes), rounds=rounds
        )
        if isinstance(made, str):
            return NotMade(idea=idea, why=made, rounds=rounds)
        if self._is_known(situation, made.child):
            why = "the same program, but for comments and layout, was tried before"
            return NotMade(idea=idea, why=why, rounds=rounds)
        return made

    def _task(self, situation: Situation, idea: Idea, change: str) -> Task:
        config, feedback = self._laboratory.config, situation.feedback
        return Task(
            idea=idea,
            sources=self._laboratory.programs.sources(situation.parent.program, config.recommender.editable),
            editable=config.recommender.editable,
            entry=config.recommender.entry,
            findings=tuple(f for f in feedback.all_findings() if f.id in idea.addresses),
            critiques=tuple(c for c in feedback.complaints() if c.id in idea.addresses),
            critique_anchors=feedback.critique_anchors,
            sites=feedback.sites,
            guidance=change,
            data=data_words(self._laboratory),
        )

    def _smoke(self, situation: Situation, files: Mapping[str, str]) -> Trial:
        """Run the cheap rungs on the parent with these files changed."""
        child = self._laboratory.programs.with_files(situation.parent.program, files)
        return self._laboratory.smoke_once(child)

    def _is_known(self, situation: Situation, child: str) -> bool:
        """Whether the archive has the same program but for comments and layout."""
        return self._means_the_same(child, {node.program for node in situation.archive.nodes if node.program})

    def _means_the_same(self, child: str, others: Iterable[str]) -> bool:
        programs = self._laboratory.programs
        own = normal_form(programs.sources(child))
        return any(normal_form(programs.sources(program)) == own for program in others)


class BothProposers:
    """Asks the LLM for half of the candidates, and fills up with recipes, which are cheap and reliable."""

    def __init__(self, llm: Proposer, recipes: Proposer) -> None:
        self._llm, self._recipes = llm, recipes

    def propose(self, situation: Situation) -> Sequence[Attempt]:
        """The LLM's attempts, then as many from recipes as candidates are missing."""
        share = (situation.count + 1) // 2
        first = list(self._llm.propose(replace(situation, count=share)))
        left = situation.count - sum(isinstance(attempt, Candidate) for attempt in first)
        return [*first, *self._recipes.propose(replace(situation, count=left))] if left else first


def round_words(done: CodingRound) -> str:
    """One coding round in words: `debug: what the model says; smoke: why that was not enough`."""
    problem = f"; {done.problem.rung.value}: {done.problem.message.splitlines()[0]}" if done.problem else ""
    return f"{done.prompt}: {done.words}{problem}"


def _no_plan(model: str, why: str) -> NotMade:
    idea = Idea(code=NO_PLAN, title="No plan", rationale="", addresses=(), rests_on=(), proposer=model)
    return NotMade(idea=idea, why=why)


def _why_none(planned: Planned) -> str:
    refused = "; ".join(f"{code}: {why}" for code, why in planned.refused)
    return f"no idea of the plan may be tried ({refused})" if refused else "the plan holds no idea"

"""An LLM's opinion of a run's best program, by the four qualities of the Self-EvolveRec paper. It is marked as an
opinion, and never counts as a measurement.
"""

from dataclasses import replace
from textwrap import indent
from typing import Any

from pydantic import BaseModel, Field

from evolution.base.errors import LlmError
from evolution.base.plain_text import first_lines
from evolution.domain.archive import Archive
from evolution.domain.run import Run
from evolution.laboratory.laboratory import Laboratory
from evolution.llm.asking import Ask
from evolution.proposers.planning.briefing import problem

DIFF_CHARS = 40_000


# Comments, not docstrings: the schema that the model is sent would hold a docstring as its description.
# The score of one quality.
class ReviewScore(BaseModel):
    score: int = Field(description="1 to 10.")
    because: str = Field(description="One sentence that names the lines it rests on.")


# The reply to the prompt `judge`.
class CodeReview(BaseModel):
    creativity: ReviewScore
    explicitness: ReviewScore
    insight: ReviewScore
    personalization: ReviewScore


def judge_best(laboratory: Laboratory, run: Run, ask: Ask, model: str) -> Run:
    """The run with an opinion on its best program, if an LLM had a part in that program.

    If the LLM gives no answer, the run is returned with a note.
    """
    best = run.best
    if best is None or not best.parent:
        return run
    line = [node.idea for node in Archive(nodes=run.nodes).lineage(best) if node.idea is not None]
    if not any(idea.by_llm for idea in line):
        return run
    values = {
        "problem": problem(laboratory),
        "ideas": [f"{idea.title}: {idea.rationale}" for idea in reversed(line)],
        "diff": indent(
            first_lines(laboratory.programs.diff(run.terms.root, best.program), DIFF_CHARS), "    "
        ),
    }
    try:
        reply = ask("judge", values, CodeReview)
    except LlmError as error:
        return replace(run, notes=(*run.notes, f"no opinion could be had: {error}"))
    return replace(run, judged=(_document(reply, model, best.program),))


def _document(reply: CodeReview, model: str, program: str) -> dict[str, Any]:
    opinions: dict[str, ReviewScore] = {name: getattr(reply, name) for name in CodeReview.model_fields}
    return {
        "model": model,
        "program": program,
        "scores": {name: min(10, max(1, opinion.score)) for name, opinion in opinions.items()},
        "because": {name: opinion.because for name, opinion in opinions.items()},
    }

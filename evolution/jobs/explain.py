"""The job `explain`: an LLM is asked about one finding of the files on disk, with the code. Nothing of the repo is run."""

from typing import Any

from pydantic import BaseModel, Field

from diagnosis.findings import Finding
from evolution.base.errors import UsageError
from evolution.domain.feedback import Feedback
from evolution.domain.limits import Limits
from evolution.domain.request import ExplainRequest
from evolution.jobs.outcome import Outcome
from evolution.laboratory.context import JobContext
from evolution.literature.technique import read_shelves
from evolution.llm.budget import Budget
from evolution.llm.client import LlmClient
from evolution.llm.exchanges import StoredExchanges
from evolution.proposers.coding.views import one_line, place, shown_files
from evolution.repo.programs import Programs

CODE_CHARS = 24_000  # of whole files, about 8,000 tokens
MOST_OTHERS, MOST_HELPS = 6, 4
NO_ENDPOINT = (
    "--ask needs an LLM endpoint; set EVOLVEREC_LLM_MODEL (and EVOLVEREC_LLM_BASE_URL, EVOLVEREC_LLM_KEY), or leave "
    "--ask out; `evolverec doctor` shows what is set"
)


# A comment, not a docstring: the schema that the model is sent would hold it. The reply to the prompt `explain`.
class Explanation(BaseModel):
    cause: str = Field(
        description="What in the code brings the finding about, with its lines. At most 120 words."
    )
    check: str = Field(description="The quickest way to see whether that is so. At most 60 words.")
    change: str = Field(description="The smallest change that would mend it, in words. At most 80 words.")


def explain(context: JobContext, request: ExplainRequest) -> Outcome:
    """What the LLM says of a finding. Raises UsageError if no LLM is set or the files on disk have no such finding; LlmError."""
    settings = context.settings.llm
    if settings is None:
        raise UsageError(NO_ENDPOINT)
    programs = Programs.open(context.repo)
    program = programs.snapshot().tree
    feedback = _feedback(context, program)
    found = [one for one in feedback.all_findings() if one.code == request.code] if feedback else []
    if feedback is None or not found:
        raise UsageError(
            f"the files on disk have no finding {request.code!r}; expected one of the newest diagnosis of these files. "
            "Run `evolverec diagnose` first"
        )
    sources = programs.sources(program, context.config.recommender.editable)
    values = explain_values(found[0], feedback, sources)
    budget = Budget(Limits(usd=request.budget_usd))
    log = StoredExchanges(store=context.store, lock=context.store_lock)
    with LlmClient(
        settings, log=log, budget=budget, repo=context.repo, cancelled=context.cancelled
    ) as client:
        said = client.ask("explain", values, Explanation)
    return Outcome(
        document={
            "code": request.code,
            "program": program,
            "model": settings.model_of(request.role),
            "cause": said.cause,
            "check": said.check,
            "change": said.change,
            "tokens": budget.paid.tokens,
        }
    )


def _feedback(context: JobContext, program: str) -> Feedback | None:
    """The newest feedback on the files on disk."""
    trials = context.store.trials(program)
    return next((found for trial in trials if (found := context.store.feedback(trial.id))), None)


def explain_values(finding: Finding, feedback: Feedback, sources: dict[str, str]) -> dict[str, Any]:
    """The values for the prompt. sources: path -> text of the code that may be sent."""
    kind, measured = finding.kind, finding.measurement
    anchors = [anchor for anchor in finding.anchors if anchor.path in sources]
    files, outlines = shown_files(sources, [anchor.path for anchor in anchors], limit=CODE_CHARS)
    beside = [one for one in feedback.all_findings() if one.id != finding.id][:MOST_OTHERS]
    figure = ""
    if measured is not None:
        interval = (
            f", 95 % [{measured.low:.3g}, {measured.high:.3g}]"
            if measured.low is not None and measured.high is not None
            else ""
        )
        against = (
            f"; {measured.reference_name} {measured.reference:.3g}" if measured.reference is not None else ""
        )
        figure = one_line(f"{measured.value:.3g} {measured.unit}{interval}{against}")
    helps = [one for one in read_shelves() if kind.code in one.answers][:MOST_HELPS]
    return {
        "code": kind.code,
        "nature": kind.nature.value,
        "title": one_line(kind.title),
        "message": one_line(finding.message),
        "why": one_line(kind.why),
        "definition": one_line(kind.definition),
        "figure": figure,
        "places": [place(anchor.path, anchor.start_line, anchor.end_line) for anchor in anchors],
        "others": [one_line(f"{one.code}: {one.message}") for one in beside],
        "helps": [one_line(f"{one.name}: {one.hurts}") for one in helps],
        "files": files,
        "outlines": outlines,
    }

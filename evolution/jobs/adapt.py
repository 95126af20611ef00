"""The job `adapt`: an LLM completes the adapter that init has drafted, until the checks of it pass in the sandbox."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypeVar

from evolution.adopting.adapter_text import COMPLETED_HEAD
from evolution.adopting.findings_of_repo import Adoption, look_at
from evolution.adopting.gaps import gaps_in
from evolution.adopting.init import found_in_words
from evolution.adopting.kept_edits import adapter_name, unmarked_config, untouched, write_completed
from evolution.base.amounts import roughly
from evolution.base.errors import Cancelled, DataError, UsageError
from evolution.base.kept import write_whole
from evolution.base.places import CONFIG_NAME, job_folder
from evolution.domain.job import EventType, JobState
from evolution.domain.limits import Limits
from evolution.domain.request import AdaptRequest
from evolution.domain.trial import FailureReason, Trial
from evolution.jobs.outcome import Outcome
from evolution.laboratory.context import JobContext
from evolution.laboratory.laboratory import Laboratory
from evolution.llm.budget import Budget
from evolution.llm.client import LlmClient
from evolution.llm.exchanges import StoredExchanges
from evolution.llm.reaching import reach
from evolution.llm.settings import LlmSettings
from evolution.proposers.adapting.allowed import importable
from evolution.proposers.adapting.attempts import AdapterDraft, Attempt, Completion, Step, Task, Wrong
from evolution.proposers.adapting.completing import completed
from evolution.proposers.coding.failures import told
from evolution.repo.config import Config
from evolution.repo.files import read_code
from evolution.repo.programs import Programs
from seeds.reading import parse_toml

if TYPE_CHECKING:
    import pydantic

R = TypeVar("R", bound="pydantic.BaseModel")
README = ("README.md", "README.rst", "README.txt", "README")
README_CHARS = 4_000


def adapt(context: JobContext, request: AdaptRequest) -> Outcome:
    """The adapter, completed: it and evolverec.toml are written once a draft passes all checks, and left alone otherwise.

    Raises UsageError if no LLM is set, or dollars are limited and its price is not known; Cancelled.
    """
    settings = context.settings.llm
    if settings is None:
        raise UsageError(NO_ENDPOINT)
    path = f"{adapter_name(context.repo)}.py"
    text = read_code(context.repo, path)
    why_not = _not_ours(context, path, text)
    if why_not or text is None:
        refused = Completion(passed=None, stopped=why_not)
        return _outcome(_document(settings, path, refused, Budget(Limits())))
    draft = AdapterDraft(text=text, config=unmarked_config(context.repo))
    budget = Budget(Limits(usd=request.budget_usd, tokens=request.budget_tokens))
    completion = _completed(context, request, settings, path, draft, budget)
    document = _document(settings, path, completion, budget)
    if completion.passed is not None and not completion.was_whole:
        passed = completion.passed
        files = write_completed(context.repo, {path: passed.text}, passed.config)
        document |= {"written": list(files.written), "kept": list(files.kept)}
    elif completion.best is not None:
        left = job_folder(context.repo, context.job.id) / path
        write_whole(left, completion.best.draft.text)
        document["best"] = str(left.relative_to(context.repo))
    return _outcome(document)


def _outcome(document: dict[str, Any]) -> Outcome:
    if document["passed"]:
        return Outcome(document=document)
    words = f"{document['adapter']} stays as it was drafted: {document['stopped']}"
    return Outcome(document=document, state=JobState.FAILED, error=words, exit_code=1)


NO_ENDPOINT = (
    "--llm needs an LLM endpoint; set EVOLVEREC_LLM_MODEL (and EVOLVEREC_LLM_BASE_URL, EVOLVEREC_LLM_KEY), or leave "
    "--llm out; `evolverec doctor` shows what is set"
)


def _not_ours(context: JobContext, path: str, text: str | None) -> str:
    """Why nothing is written into the adapter; "" where it stands as init drafted it."""
    if text is None or not context.config.recommender.entry.startswith(f"{path[:-3]}:"):
        return f"evolverec.toml names {context.config.recommender.entry}, which init did not draft"
    return (
        ""
        if path in untouched(context.repo)
        else f"you have edited {path}, so that nothing is written into it"
    )


def _completed(
    context: JobContext,
    request: AdaptRequest,
    settings: LlmSettings,
    path: str,
    draft: AdapterDraft,
    budget: Budget,
) -> Completion:
    """Raises UsageError, Cancelled. An endpoint that cannot be used ends it with words."""
    emit = context.events.emit
    checks = _Checks(context=context, path=path)
    found = look_at(context.repo, train=request.train, model=request.model)
    model = settings.model_of("coder")
    log = StoredExchanges(store=context.store, lock=context.store_lock)
    cancelled = context.cancelled
    # Once, and not before a question is to be asked: a draft that passes needs no endpoint.
    reached = cache(partial(reach, settings, [model], cancelled=cancelled))
    with LlmClient(settings, log=log, budget=budget, repo=context.repo, cancelled=cancelled) as client:

        def ask(prompt: str, values: Mapping[str, Any], reply: type[R]) -> R:
            reached()
            return client.ask(prompt, values, reply)

        completion = completed(
            _task(context, path, found),
            draft,
            ask=ask,
            check=checks,
            rounds=request.rounds,
            header=COMPLETED_HEAD.format(model=model),
            tell=partial(emit, EventType.LOG),
        )
    if paid := budget.paid.tokens:
        emit(EventType.LOG, f"{model} was asked for {roughly(paid, budget.paid.usd or None)}")
    return completion


def _task(context: JobContext, path: str, found: Adoption) -> Task:
    """What the model is shown: code that is part of the program, which neither git ignores nor holds labels."""
    stored = Programs.open(context.repo)
    known = stored.files(stored.snapshot().tree)
    files = {name: file.text for name, file in found.repo.files.items() if name in known}
    readme = next((name for name in README if name in known), "")
    if readme:
        files[readme] = (read_code(context.repo, readme) or "")[:README_CHARS]
    used = [unit.file.path for unit in found.program.units] if found.program is not None else []
    model = found.model.kind[0].path if found.model is not None else ""
    return Task(
        path=path,
        entry=context.config.recommender.entry,
        found=tuple(found_in_words(found)),
        files=files,
        wanted=tuple(name for name in dict.fromkeys([*used, model, readme]) if name),
        modules=importable(found.repo),
        may_set=CONFIG_NAME in untouched(context.repo),
    )


@dataclass
class _Checks:
    """The checks of a draft that its text alone does not answer. Raises Cancelled."""

    context: JobContext
    path: str
    laboratories: dict[str, tuple[Laboratory, str]] = field(default_factory=dict)

    def __call__(self, draft: AdapterDraft) -> Wrong | None:
        gaps = gaps_in(draft.text)
        if gaps:
            return Wrong(
                step=Step.GAP, message="\n".join(f"{self.path}:{line}: {words}" for line, words in gaps)
            )
        try:
            laboratory, program = self._laboratory(draft.config)
        except DataError as error:
            return Wrong(step=Step.DATA, message=str(error))
        tree = laboratory.programs.with_files(program, {self.path: draft.text, CONFIG_NAME: draft.config})
        return self._of_trial(laboratory.smoke(tree, beside=True), laboratory, tree)

    def _laboratory(self, config: str) -> tuple[Laboratory, str]:
        """For a config's text, and the user's files as a program; each data is read once. Raises DataError."""
        if config not in self.laboratories:
            told = Config.model_validate(parse_toml(config))
            laboratory = Laboratory(replace(self.context, config=told))
            self.laboratories[config] = laboratory, laboratory.user_program()
        return self.laboratories[config]

    def _of_trial(self, trial: Trial, laboratory: Laboratory, tree: str) -> Wrong | None:
        passed = sum(bool(one.passed) for one in trial.contract)
        failure = trial.failure
        if failure is not None and failure.reason is FailureReason.CANCELLED:
            raise Cancelled("cancelled")
        if failure is not None:
            message = told(failure, laboratory.programs.files(tree))
            return Wrong(step=Step.TRIAL, message=message, passed=passed)
        refused = [c for c in trial.contract if c.passed is False and c.severity == "error"]
        if refused:
            message = "\n".join(f"{one.code}: {one.message}" for one in refused)
            return Wrong(step=Step.TRIAL, message=message, passed=passed)
        return None


def _document(settings: LlmSettings, path: str, completion: Completion, budget: Budget) -> dict[str, Any]:
    """The document of the job.

    passed: whether the adapter passes its checks. answers: for each, what was wrong with it, "" for nothing. stopped: why
    there is no adapter that passes. best: the answer that came furthest, a path, "" without one.
    """
    charged = budget.charged
    return {
        "adapter": path,
        "model": settings.model_of("coder"),
        "passed": completion.passed is not None,
        "was_whole": completion.was_whole,
        "stopped": completion.stopped,
        "answers": [_wrong(one) for one in completion.attempts],
        "tokens": charged.tokens,
        "usd": float(charged.usd) if settings.prices else None,
        "written": [],
        "kept": [],
        "best": "",
    }


def _wrong(attempt: Attempt) -> str:
    return attempt.wrong.first_line if attempt.wrong is not None else ""

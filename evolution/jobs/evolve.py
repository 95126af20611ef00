"""The job `evolve`: starts, resumes or replays an evolution run."""

from dataclasses import replace
from typing import Any

from evolution.base.errors import NotStored, UsageError
from evolution.domain.request import LIMITS, NEWEST, EvolveRequest
from evolution.domain.run import Run
from evolution.evolving.replay import replay_document
from evolution.evolving.resources import opened_tools
from evolution.evolving.starting import replayed_run, request_of, start_run
from evolution.jobs.outcome import Outcome
from evolution.laboratory.context import JobContext
from evolution.laboratory.laboratory import Laboratory
from evolution.store.run_document import run_document


def evolve(context: JobContext, request: EvolveRequest) -> Outcome:
    """Do the run that the request describes and return its document. Raises UsageError, RepoError, Cancelled."""
    laboratory = Laboratory(context)
    if request.replay:
        return Outcome(document=_replayed(laboratory, request.replay))
    if request.resume:
        request = _resumed(laboratory, request)
    with opened_tools(laboratory, request) as opened:
        run = start_run(laboratory, opened.request, tools=opened.tools, model=opened.model).run()
    return Outcome(document=run_document(run))


def _resumed(laboratory: Laboratory, request: EvolveRequest) -> EvolveRequest:
    """The request of the stored run, with the limits of the new request if it has any."""
    stored = request_of(_stored_run(laboratory, request.resume))
    limits = request if request.is_limited else stored
    return replace(stored, **{name: getattr(limits, name) for name in LIMITS})


def _stored_run(laboratory: Laboratory, wanted: str) -> Run:
    """The run with this id, or the newest one of the files on disk.

    Raises UsageError if there is none, or it started from other files than those on disk.
    """
    store, program = laboratory.context.store, laboratory.user_program()
    on_these = (run for run in store.runs() if run.terms.root == program)
    found = next(on_these, None) if wanted == NEWEST else store.run(wanted)
    if found is None:
        raise UsageError("there is no run of these files to resume; `evolverec runs` lists what was run")
    if found.terms.root != program:
        raise UsageError(
            f"run {found.id} started from other files than those on disk; restore them, or start a new run"
        )
    return found


def _replayed(laboratory: Laboratory, wanted: str) -> dict[str, Any]:
    stored = laboratory.context.store.run(wanted)
    if stored is None:
        raise UsageError(f"no single run {wanted!r}; `evolverec runs` lists them")
    laboratory.replays = True
    with opened_tools(laboratory, request_of(stored), stored=stored) as opened:
        evolution = replayed_run(stored, tools=opened.tools)
        try:
            return replay_document(stored, evolution.run())
        except NotStored as error:  # the stored run was interrupted here, so the replay ends too
            return replay_document(stored, evolution.run_record, str(error))

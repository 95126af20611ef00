"""Maps each kind of job to its function, which takes the job's context and the request and returns an outcome."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from evolution.domain.job import JobKind
from evolution.jobs.outcome import Outcome
from evolution.laboratory.context import JobContext

Work = Callable[[JobContext, Any], Outcome]

# "module:function" in evolution.jobs. They are imported by name, so that `train` does not import the evolution loop.
WORK: Mapping[JobKind, str] = {
    JobKind.TRAIN: "train:train",
    JobKind.ADAPT: "adapt:adapt",
    JobKind.CHECK: "train:check",
    JobKind.DIAGNOSE: "diagnose:diagnose",
    JobKind.SIMULATE: "diagnose:simulate",
    JobKind.SESSIONS: "sessions:sessions",
    JobKind.PROPOSE: "patches:propose",
    JobKind.IMPROVE: "improve:improve",
    JobKind.TUNE: "tune:tune",
    JobKind.VERIFY: "patches:verify",
    JobKind.EXPLAIN: "explain:explain",
    JobKind.TEST: "testing:test",
    JobKind.RECOMMEND: "recommend:recommend",
    JobKind.EVOLVE: "evolve:evolve",
    JobKind.COMPARE: "compare:compare",
}


def work_of(kind: JobKind) -> Work:
    """Import and return the function for a kind of job."""
    module, _, function = WORK[kind].partition(":")
    return getattr(import_module(f"evolution.jobs.{module}"), function)

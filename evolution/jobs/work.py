"""Which function does what each kind of job is asked to do. It takes the job's context and the request of its kind."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from evolution.domain.job import JobKind
from evolution.jobs.outcome import Outcome
from evolution.laboratory.context import JobContext

Work = Callable[[JobContext, Any], Outcome]

# module:function below evolution.jobs. By name, because a training need not wait until the loop is imported.
WORK: Mapping[JobKind, str] = {
    JobKind.TRAIN: "train:train",
    JobKind.CHECK: "train:check",
    JobKind.DIAGNOSE: "diagnose:diagnose",
    JobKind.SIMULATE: "diagnose:simulate",
    JobKind.PROPOSE: "patches:propose",
    JobKind.VERIFY: "patches:verify",
    JobKind.TEST: "testing:test",
    JobKind.EVOLVE: "evolve:evolve",
    JobKind.COMPARE: "compare:compare",
}


def work_of(kind: JobKind) -> Work:
    module, _, function = WORK[kind].partition(":")
    return getattr(import_module(f"evolution.jobs.{module}"), function)

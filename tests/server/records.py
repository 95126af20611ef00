"""A small repo, and what jobs would leave of it, written through the real store."""

import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lsprotocol import types

from diagnosis.anchors import make_anchor
from diagnosis.findings import Anchor, Finding, Measurement, Role, Severity, Site
from evolution.base.places import job_folder
from evolution.base.processes import identify
from evolution.base.serial import dumps
from evolution.domain.edits import make_edits
from evolution.domain.feedback import Feedback
from evolution.domain.job import Event, EventType, JobKind, JobRecord, JobState
from evolution.domain.proposal import Effect, Idea, Patch, Proposal, Verified
from evolution.domain.trial import Metric, Trial, TrialKey, TrialStatus
from evolution.repo.config import read_config
from evolution.repo.programs import Programs
from evolution.store.store import Store
from evolution.trials.identity import training_fingerprint
from simulator.critiques import Critique, Fidelity, Quote, Simulation
from tests.findings import make_finding

MODEL = '''\
"""Ein kleines Modell."""
import torch


class Model(torch.nn.Module):
    def __init__(self, n_items, dim=32):
        super().__init__()
        self.items = torch.nn.Embedding(n_items + 1, dim)  # 😀 table
        self.dropout = torch.nn.Dropout(0.2)

    def loss(self, state, target):
        return torch.nn.functional.binary_cross_entropy_with_logits(state @ self.items.weight.T, target)


def build(data, *, device, seed):
    return Model(data.n_items)
'''
CONFIG = """\
[recommender]
entry = "model:build"

[data]
source = "shop-micro"
"""
TABLE_LINE, LOSS_LINE, ENTRY_LINE = 7, 11, 14  # from 0, in MODEL


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The repo's model and the lines of it that tests speak of, from 0."""

    model: str = MODEL
    table: int = TABLE_LINE
    loss: int = LOSS_LINE
    entry: int = ENTRY_LINE
    patched: str = MODEL.replace("(n_items + 1, dim)", "(n_items + 1, dim, padding_idx=0)")


@dataclass(kw_only=True)
class Records:
    """Writes what jobs would write, through the real store."""

    repo: Path
    store: Store
    programs: Programs
    program: str = ""

    def anchor(self, path: str, line0: int, role: Role, end0: int | None = None) -> Anchor:
        text = (self.repo / path).read_bytes().decode()
        site = Site(
            role=role, path=path, start_line=line0 + 1, end_line=(line0 if end0 is None else end0) + 1
        )
        return make_anchor(site, text)

    def trial(self, name: str = "trial0000001", *, age_s: float = 720.0, **changes: Any) -> Trial:
        self.program = self.programs.snapshot().tree
        values: dict[str, Any] = {
            "id": name,
            "key": TrialKey(
                program=self.program,
                data="d",
                training=training_fingerprint(read_config(self.repo)),
                seed=0,
                device="cpu/1",
                harness="1",
            ),
            "status": TrialStatus.COMPLETE,
            "created_at": time.time() - age_s,
            "wall_s": 3.0,
            "best_epoch": 3,
            "metrics": {"NDCG@10": Metric(value=0.142, low=0.138, high=0.146)},
            "objective": Metric(value=0.15, low=0.14, high=0.16),
        }
        trial = Trial(**{**values, **changes})
        self.store.put_trial(trial)
        return trial

    def finding(self, code: str = "embedding-collapse", line0: int = TABLE_LINE, **changes: Any) -> Finding:
        values: dict[str, Any] = {
            "message": "Item embeddings share a few directions.",
            "why": "They cannot be told apart.",
            "definition": "RankMe of the centred item embeddings.",
            "value": 0.12,
            "low": 0.1,
            "high": 0.14,
            "reference": 0.6,
            "reference_name": "untrained model",
            "unit": "of the width",
            "anchors": (self.anchor("model.py", line0, Role.ITEM_TABLE),),
        }
        return make_finding(code, **{**values, **changes})

    def feedback(
        self, *findings: Finding, trial: str = "trial0000001", age_s: float = 700.0, **more: Any
    ) -> Feedback:
        feedback = Feedback(
            trial=trial, program=self.program, created_at=time.time() - age_s, findings=findings, **more
        )
        self.store.put_feedback(feedback)
        return feedback

    def measurement(self, value: float) -> Measurement:
        return Measurement(
            code="embedding-collapse",
            value=value,
            low=value - 0.02,
            high=value + 0.02,
            reference=0.6,
            reference_name="untrained model",
            unit="of the width",
            higher_is_better=True,
            healthy=False,
            severity=Severity.WARNING,
            message="Item embeddings share a few directions.",
        )

    def simulation(self, *, fidelity_low: float = 0.6) -> Simulation:
        fidelity = Fidelity(auc=fidelity_low + 0.05, low=fidelity_low, high=fidelity_low + 0.1, users=100)
        critique = Critique(
            id="critique-1",
            code="overused-popularity",
            positive=False,
            signal="popularity",
            message="Too many bestsellers.",
            count=61,
            users=100,
            share=0.61,
            low=0.51,
            high=0.7,
            quotes=(Quote(user=7, persona="a collector", text="I own all of these."),),
            fidelity=fidelity,
        )
        return Simulation(
            users=100,
            seed=0,
            fidelity=fidelity,
            critiques=(critique,),
            mean_align=0.3,
            mean_rating=None,
            wall_s=1.0,
        )

    def proposal(self, name: str, after: str, *, path: str = "model.py", **changes: Any) -> Proposal:
        before = (self.repo / path).read_bytes().decode()
        values: dict[str, Any] = {
            "id": name,
            "idea": Idea(
                code="full-softmax",
                title="Full softmax loss",
                rationale="Ranks against every item.",
                addresses=("id-embedding-collapse",),
                rests_on=(),
                proposer="recipe",
            ),
            "patch": Patch(base=self.program, edits=tuple(make_edits(path, before, after))),
            "parent": self.program,
            "child": f"child-{name}",
            "trials": (f"trial-{name}",),
            "verified": Verified.GAIN,
            "effect": Effect(metric="objective", before=0.142, after=0.171, low=0.0213, high=0.0355),
            "created_at": time.time(),
        }
        proposal = Proposal(**{**values, **changes})
        self.store.put_proposal(proposal)
        return proposal

    def running_job(self, name: str = "t0000001", **changes: Any) -> JobRecord:
        """A train job whose process is this one, alive as long as the test, unless told otherwise."""
        values: dict[str, Any] = {
            "id": name,
            "kind": JobKind.TRAIN,
            "state": JobState.RUNNING,
            "process": identify(os.getpid()),
            "created_at": time.time(),
        }
        job = JobRecord(**{**values, **changes})
        self.store.put_job(job)
        job_folder(self.repo, name).mkdir(parents=True, exist_ok=True)
        return job

    def cancel_params(self, job: JobRecord) -> types.WorkDoneProgressCancelParams:
        return types.WorkDoneProgressCancelParams(token=f"evolverec-{job.id}")

    def end(self, job: JobRecord, result: dict[str, Any] | None = None, **changes: Any) -> None:
        values = {"state": JobState.DONE, "finished_at": time.time(), **changes}
        self.store.put_job(replace(job, result=result, **values))

    def event(self, job: JobRecord, kind: EventType, message: str, **data: Any) -> None:
        event = Event(t=time.time(), type=kind, message=message, data=data)
        with (job_folder(self.repo, job.id) / "events.jsonl").open("a") as stream:
            stream.write(dumps(event) + "\n")

"""Sets a run up: its terms, its tools, and the record that it continues."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import replace

from evolution.base import serial
from evolution.domain.limits import Limits
from evolution.domain.request import TERMS, EvolveRequest
from evolution.domain.run import Run, RunState, RunTerms
from evolution.evolving.loop import Evolution, Tools
from evolution.laboratory.laboratory import Laboratory
from evolution.trials.identity import trial_key


def start_run(laboratory: Laboratory, request: EvolveRequest, *, tools: Tools, model: str = "") -> Evolution:
    """The run that was asked for: a new one, or the stored one with the same terms, from its first step.

    request: with its proposer settled.
    """
    terms = terms_of(laboratory, request, model=model, probes=tools.accepted)
    store, lock = laboratory.context.store, laboratory.context.store_lock
    with lock:
        known = store.run(terms.run_id)
    laboratory.continues = known is not None
    run = Run(
        id=terms.run_id,
        terms=terms,
        state=RunState.RUNNING,
        created_at=known.created_at if known else time.time(),
        job=laboratory.context.job.id,
        limits=limits_document(request.limits),
        llm=tools.llm,
        probes=dict.fromkeys(tools.accepted, 0),
    )
    return Evolution(tools, terms, run, _keep(laboratory, known))


def replayed_run(stored: Run, *, tools: Tools) -> Evolution:
    """The stored run from its first step, without storing anything."""
    accepted = {name: since for name, since in stored.probes.items() if since == 0}
    fresh = replace(stored, nodes=(), probes=accepted, notes=(), state=RunState.RUNNING)
    return Evolution(tools, stored.terms, fresh, lambda run: None)


def terms_of(
    laboratory: Laboratory, request: EvolveRequest, *, model: str, probes: tuple[str, ...] = ()
) -> RunTerms:
    """The terms that a request means for the program that is on disk now."""
    asked = serial.plain(request)
    return RunTerms(
        root=laboratory.user_program(),
        measured=measured_by(laboratory, probes),
        model=model,
        **{name: asked[name] for name in TERMS},
    )


def request_of(run: Run) -> EvolveRequest:
    """The request that a stored run answers, with its limits. Raises RequestError if this version has no such
    strategy.
    """
    terms, limits = serial.plain(run.terms), run.limits
    return EvolveRequest(
        **{name: terms[name] for name in TERMS},
        trials=int(limits["trials"]) if "trials" in limits else None,
        budget_usd=limits.get("usd"),
        budget_tokens=int(limits["tokens"]) if "tokens" in limits else None,
        budget_gpu_s=limits.get("gpu_s"),
    )


def measured_by(laboratory: Laboratory, probes: tuple[str, ...]) -> str:
    """A fingerprint of everything that figures and findings depend on, other than the program and the seed."""
    key = trial_key(
        laboratory.config,
        program="",
        data=laboratory.data.fingerprint,
        seed=laboratory.config.training.seed,
        device=laboratory.device.name,
    )
    guardrails = "\n".join(laboratory.config.objective.guardrails)
    rest = "\n".join((guardrails, *sorted(probes)))
    return hashlib.sha256((serial.dumps(key) + rest).encode()).hexdigest()[:16]


def limits_document(limits: Limits) -> dict[str, float]:
    """The limits that are set, by name."""
    return {name: float(value) for name, value in serial.plain(limits).items() if value is not None}


def _keep(laboratory: Laboratory, known: Run | None) -> Callable[[Run], None]:
    """A function that stores the run whenever it changes.

    While a resumed run only repeats stored nodes, the longer stored record is kept.
    """
    before = len(known.nodes) if known else 0

    def keep(run: Run) -> None:
        catching_up = run.state is RunState.RUNNING and len(run.nodes) < before
        if run.state is RunState.STOPPED and len(run.nodes) < before and known is not None:
            run = replace(known, state=RunState.STOPPED)
        if not catching_up:
            with laboratory.context.store_lock:
                laboratory.context.store.put_run(run)

    return keep

"""`evolverec/estimate`: the likely cost of an LLM, shown before any call is made."""

from pathlib import Path
from typing import Any

from evolution.base.amounts import roughly
from evolution.domain.limits import LLM_USERS
from evolution.domain.request import AdaptRequest
from evolution.domain.trial import Trial
from evolution.llm.budget import Charge
from evolution.llm.estimate import adapting, estimate, interviews
from evolution.llm.settings import LlmSettings
from evolution.repo.settings import default_slots, user_llm
from server.lsp.panels.asking import Document, repo_asked_for
from server.lsp.session import Session
from server.shown.repo_files import code_files

RULE = "by a rule of thumb, without interval; reasoning tokens of the model come on top"


async def expected(session: Session, params: Any = None) -> Document:
    """Answer `evolverec/estimate`. Raises UsageError if the user's own LLM settings are wrong."""
    repo = await repo_asked_for(session, params)
    trial = repo.knowledge.trial
    known = await session.background.survey(_expected, repo.root)
    return {**known, **await session.background.survey(_time, trial)}


def _time(trial: Trial | None) -> Document:
    """What a trial takes on this machine, by the last one of the user's version, which had the threads of one slot.

    trialSeconds: null before any training. slots: how many trials run at once.
    """
    if trial is None or trial.wall_s <= 0:
        return {"trialSeconds": None, "slots": 1}
    slots = default_slots() if trial.key.device.startswith("cpu") else 1
    return {"trialSeconds": trial.wall_s, "slots": slots}


def _expected(root: Path) -> Document:
    settings = user_llm()
    if settings is None:
        return {"model": "", "priced": False, "evolve": "", "users": "", "adapter": ""}
    size = sum((root / path).stat().st_size for path in code_files(root))
    run = estimate(settings, source_bytes=size, users=LLM_USERS)
    adapter = adapting(settings, source_bytes=size, answers=AdaptRequest.rounds)
    priced = all(model in settings.prices for model in settings.models_used())
    return {
        "model": settings.model,
        "priced": priced,
        "evolve": f"About {_words(run.each, settings)} a candidate and {_words(run.first, settings)} once, {RULE}.",
        "adapter": f"About {_words(adapter, settings)} for at most {AdaptRequest.rounds} answers, {RULE}.",
        "users": f"About {_words(interviews(settings, LLM_USERS), settings)} for {LLM_USERS} users, {RULE}.",
    }


def _words(charge: Charge, settings: LlmSettings) -> str:
    """The charge in words, without dollars if a model has no price."""
    priced = all(model in settings.prices for model in settings.models_used())
    return roughly(charge.tokens, charge.usd if priced else None)

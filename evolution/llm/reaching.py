"""Notices before anything is trained that an endpoint is down, refuses the key, or does not have a model.

The endpoint is asked for its models, and then a question of a few tokens: of every model that it does not list, for some
endpoints list none or not all, and of one that it lists, for a list is often given without a key, or by something else than
what would answer. Neither is an exchange: nothing is recorded or charged to a budget, so a replay is the same with or without.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from evolution.base.errors import Cancelled, LlmUnavailable
from evolution.llm.command_endpoint import missing_command
from evolution.llm.endpoint import Endpoint, Failed, Remedy
from evolution.llm.settings import LlmSettings

T = TypeVar("T")

TIMEOUT_S = 8.0  # of one request
AGAIN_S = 1.0  # before the second try of a request that broke off
REFUSES_THE_KEY = (401, 403)
QUESTION = {"messages": [{"role": "user", "content": "Say OK."}], "max_completion_tokens": 16}


def reach(settings: LlmSettings, models: Sequence[str], *, cancelled: Callable[[], bool]) -> None:
    """Raises LlmUnavailable, within seconds, if the endpoint cannot be used or lacks one of the models; Cancelled."""
    if settings.command:  # an agent takes longer than this to begin, so it is only looked for
        if why := missing_command(settings):
            raise LlmUnavailable(f"{why}. Nothing was trained or asked yet")
        return
    endpoint = Endpoint(replace(settings, timeout_s=TIMEOUT_S))
    try:
        listed = _listed(endpoint, cancelled)
        for model in _to_try(models, listed):
            _try_model(endpoint, model, listed, cancelled)
    except Failed as failure:
        if cancelled():
            raise Cancelled("cancelled") from None
        raise LlmUnavailable(
            f"the LLM endpoint {settings.base_url} cannot be used: {failure}. Nothing was trained or asked yet. Start it, or "
            "set EVOLVEREC_LLM_BASE_URL, EVOLVEREC_LLM_KEY and EVOLVEREC_LLM_MODEL (`evolverec doctor` checks them); recipes "
            "and statistical users need none"
        ) from None
    finally:
        endpoint.close()
    if cancelled():  # a request that was broken off by it may look like a slow one
        raise Cancelled("cancelled")


def _to_try(models: Sequence[str], listed: Sequence[str]) -> list[str]:
    unlisted = [model for model in dict.fromkeys(models) if model not in listed]
    return unlisted or list(models[:1])


def _listed(endpoint: Endpoint, cancelled: Callable[[], bool]) -> list[str]:
    """The models that the endpoint names, [] if it names none. Raises Failed if it is down or refuses the key."""
    try:
        return _twice(lambda: endpoint.models(cancelled=cancelled), cancelled)
    except Failed as failure:
        if failure.kind is Remedy.AGAIN or failure.status in REFUSES_THE_KEY:
            raise
        return []


def _try_model(endpoint: Endpoint, model: str, listed: Sequence[str], cancelled: Callable[[], bool]) -> None:
    """Raises Failed if the endpoint does not answer for this model. One that is slow to begin or wants another form is there;
    one that does not end an answer of a few words is not."""

    try:
        _twice(lambda: ask_a_word(endpoint, model, cancelled=cancelled), cancelled)
    except Failed as failure:
        few = ", ".join(sorted(listed)[:8])
        said = f"{failure}; it lists {few}" if few else str(failure)
        raise Failed(failure.kind, f"asked for {model}, {said}", status=failure.status) from None


def ask_a_word(endpoint: Endpoint, model: str, *, cancelled: Callable[[], bool] = lambda: False) -> None:
    """Raises Failed if the endpoint is not there or refuses. Where only a real question would tell more, nothing is raised."""
    try:
        endpoint.complete({"model": model, **QUESTION}, prompt="reach", cancelled=cancelled)
    except Failed as failure:
        if failure.kind not in (Remedy.PAUSE, Remedy.OTHERWISE) and not failure.is_slow:
            raise


def _twice(do: Callable[[], T], cancelled: Callable[[], bool]) -> T:
    """What `do` returns; it is done again once if it broke off."""
    try:
        return do()
    except Failed as failure:
        if failure.kind is not Remedy.AGAIN or cancelled():
            raise
    time.sleep(AGAIN_S)
    return do()

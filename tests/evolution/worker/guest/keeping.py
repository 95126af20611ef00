"""Keeps one training step of a function of a test, as the examination keeps a repo's."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from evolution.worker.guest.step_kept import KeptStep, StepKeeper
from evolution.worker.guest.tracing_frames import Limit, Places, StopTracing

HERE = Path(__file__).parent


def asked_of(step: Callable[[], Any], question: Callable[[KeptStep], dict[str, Any]]) -> dict[str, Any]:
    """The answer to a question about `step`, which calls `backward`."""
    answers: list[dict[str, Any]] = []
    keeper = StepKeeper(Places(str(HERE)), Limit(30.0), lambda kept: answers.append(question(kept)))
    with suppress(StopTracing), keeper:
        step()
    return answers[0]


def line(place: list[Any]) -> str:
    """The text of a line."""
    return (HERE / place[0]).read_text(encoding="utf-8").splitlines()[place[1] - 1].strip()

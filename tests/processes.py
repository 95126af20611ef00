"""Holds tests to their marks: one that starts a worker, a job or a server says so, and stays out of `make check`.

What takes a moment is free for all: git, make, and `python -c`.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

MARKS = ("process", "training", "wire", "editor")
QUICK = ("git", "make", "uname")  # the openai package asks uname what it runs on


class _Test:
    """The test that runs now. name: "" where it may start what it likes."""

    name = ""


def is_quick(command: Sequence[str | bytes | os.PathLike[str]] | str | bytes | os.PathLike[str]) -> bool:
    words = [command] if isinstance(command, str | bytes | os.PathLike) else command
    program, *arguments = [os.fsdecode(word) for word in words]
    name = Path(program).name
    first = next((word for word in arguments if word in ("-c", "-m") or not word.startswith("-")), "")
    return name in QUICK or (name.startswith("python") and first == "-c")


def _refuse(event: str, values: tuple[Any, ...]) -> None:
    if event == "subprocess.Popen" and _Test.name and not is_quick(values[1]):
        pytest.fail(f"{_Test.name} starts {values[1]} and has none of the marks {', '.join(MARKS)}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    marked = any(item.get_closest_marker(mark) for mark in MARKS)
    _Test.name = "" if marked else item.name
    try:
        return (yield)
    finally:
        _Test.name = ""


sys.addaudithook(_refuse)

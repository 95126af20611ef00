"""Functions that run in processes of their own count as code that ran, with what they call, if their start was seen."""

import pytest

from evolution.recipes.other_processes import lines_beside

SAMPLER = """
from multiprocessing import Process, Queue


def draw(n, seen):
    return n


def worker(out, n):
    while True:
        out.put(draw(n, set()))


def evaluate(n):
    return draw(n, set())


class Sampler:
    def __init__(self, n):
        self.queue = Queue()
        self.process = {start}
        self.process.start()
"""
START = "Process(target=worker, args=(self.queue, n))"


def lines_of(text: str, *names: str) -> set[int]:
    """Lines of the functions of these names, at the top level."""
    numbered = list(enumerate(text.splitlines(), 1))
    found = set[int]()
    for name in names:
        first = next(n for n, line in numbered if line.startswith(f"def {name}("))
        last = next(n for n, line in numbered if n > first and not line.strip())
        found |= set(range(first, last))
    return found


def started_at(text: str) -> list[int]:
    return [n for n, line in enumerate(text.splitlines(), 1) if "self.process = " in line]


def test_what_a_process_runs_and_calls_ran() -> None:
    text = SAMPLER.format(start=START)
    found = lines_beside({"m.py": text}, {"m.py": started_at(text)})
    assert found["m.py"] == lines_of(text, "worker", "draw")


def test_a_function_of_another_file_is_found_by_its_name() -> None:
    text = SAMPLER.format(start=START)
    head, tail = text[: text.index("class Sampler")], text[text.index("class Sampler") :]
    found = lines_beside({"draws.py": head, "m.py": tail}, {"m.py": started_at(tail)})
    assert found["draws.py"] == lines_of(head, "worker", "draw") and not found["m.py"]


@pytest.mark.parametrize(
    ("start", "seen"),
    [(START, False), ("Process()", True), ("Process(target=self.run)", True), ("run(worker)", True)],
)
def test_processes_that_nobody_saw_start_and_other_calls_run_nothing(start: str, seen: bool) -> None:
    text = SAMPLER.format(start=start)
    found = lines_beside({"m.py": text}, {"m.py": started_at(text) if seen else [1]})
    assert not found.get("m.py")

"""A process whose program still waits ends at once, with the program's own processes."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.evolution.adopting.strangers import write_stranger

pytestmark = pytest.mark.process
SCRIPT = """import multiprocessing
import time


def work():
    time.sleep(600)


if __name__ == "__main__":
    helper = multiprocessing.get_context("fork").Process(target=work, daemon=True)
    helper.start()
    for epoch in range(100):
        print("helper", helper.pid, flush=True)
"""
OUTSIDE = """import evolverec_kit as kit

run = kit.Program("train.py", loop="epoch").start()
run.epoch()
print("done", flush=True)
"""


def test_a_process_ends_while_its_program_waits(tmp_path: Path) -> None:
    repo = write_stranger(tmp_path / "repo", SCRIPT, model="", data="")
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", OUTSIDE], cwd=repo, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "done" and time.monotonic() - started < 30
    helper = int(done.stdout.split()[1])
    assert not Path(f"/proc/{helper}").exists()

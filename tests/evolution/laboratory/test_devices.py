"""How many threads a trial on CPU has: as slots leave it, at most as OMP_NUM_THREADS says."""

import pytest

from evolution.laboratory import devices
from evolution.repo.settings import UserSettings
from evolution.trials.sandbox import clean_environment


@pytest.mark.parametrize(
    ("said", "threads"), [("", 4), ("1", 1), ("3", 3), ("3,2", 3), ("64", 8), ("0", 4), ("many", 4)]
)
def test_the_threads_of_a_trial(monkeypatch, said, threads):
    monkeypatch.setattr(devices, "available_cores", lambda: 8)
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    settings = UserSettings(python="python", slots=2)
    assert devices.choose_device("cpu", settings).name == f"cpu/{threads}"


def test_threads_without_work_sleep():
    environment = clean_environment(2, "")
    assert environment["OMP_NUM_THREADS"] == "2"
    assert environment["OMP_WAIT_POLICY"] == "PASSIVE"

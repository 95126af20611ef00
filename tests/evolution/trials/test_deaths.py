"""Who is to blame for a dead worker, by what is known of it."""

import shutil
from dataclasses import replace
from types import SimpleNamespace

import pytest

from evolution.domain.trial import Failure, FailureReason
from evolution.trials.deaths import Death, blamed, failure_of
from evolution.trials.entering import NOT_ENTERED

GIB = 1 << 30
PLENTY = 10**15
DEATH = Death(
    code=-9, wanted="epoch", answered=True, confined=False, tail="", grouped=False, group_was_full=False,
    tasks_refused=False, kernel_kills=0, used_bytes=GIB, free_bytes=PLENTY, limit_bytes=8 * GIB,
)  # fmt: skip
CRASH, KILLED, MEMORY = FailureReason.CRASH, FailureReason.KILLED, FailureReason.OUT_OF_MEMORY


@pytest.mark.parametrize(
    ("known", "reason", "outside"),
    [
        ({"code": 3}, CRASH, False),
        ({"code": -11}, CRASH, False),
        ({"code": 139, "confined": True}, CRASH, False),
        ({"code": 139}, CRASH, False),
        ({"code": -9}, KILLED, False),
        ({"code": -15}, KILLED, False),
        ({"code": 137, "confined": True}, KILLED, False),
        ({"code": 137}, CRASH, False),
        ({"code": -9, "confined": True}, KILLED, True),
        ({"code": -15, "confined": True}, KILLED, True),
        ({"code": NOT_ENTERED, "answered": False}, KILLED, True),
        ({"code": NOT_ENTERED}, CRASH, False),
        ({"group_was_full": True, "grouped": True, "kernel_kills": 1}, MEMORY, False),
        ({"kernel_kills": 1, "grouped": True}, KILLED, True),
        ({"kernel_kills": 1, "free_bytes": GIB}, KILLED, True),
        ({"kernel_kills": 1, "free_bytes": PLENTY}, KILLED, False),
        ({"free_bytes": GIB // 100}, KILLED, True),
    ],
    ids=str,
)
def test_who_is_to_blame(known, reason, outside):
    failure = failure_of(replace(DEATH, **known))
    assert (failure.reason, failure.outside) == (reason, outside), failure.message


def test_what_to_do_about_a_machine_without_memory_is_said():
    failure = failure_of(replace(DEATH, kernel_kills=1, grouped=True))
    assert (
        "lower training.memory_gb" in failure.message
        and "1.00 GiB of its limit of 8.00 GiB" in failure.message
    )


NO_SPACE = Failure(reason=CRASH, message="fit() raised OSError: [Errno 28] No space left on device: 'cache'")


def test_a_disk_that_is_full_is_the_machines_and_a_full_folder_in_memory_is_not(tmp_path, monkeypatch):
    assert blamed(NO_SPACE, tmp_path) == NO_SPACE
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=5 << 20))
    found = blamed(NO_SPACE, tmp_path)
    assert found.reason is KILLED and found.outside and "5 MiB left" in found.message


GPU_FULL = (
    "fit() raised OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.15 GiB "
    "of which 100.00 MiB is free. Process 77 has 70.00 GiB memory in use. Including non-PyTorch memory, this process has "
    "{own} memory in use."
)


@pytest.mark.parametrize(
    ("message", "told", "reason"),
    [
        ("fit() raised AcceleratorError: CUDA error: uncorrectable ECC error encountered", CRASH, KILLED),
        ("fit() raised RuntimeError: CUDA error: unspecified launch failure", CRASH, KILLED),
        ("fit() raised RuntimeError: CUDA error: an illegal memory access was encountered", CRASH, CRASH),
        (GPU_FULL.format(own="8.90 GiB"), MEMORY, KILLED),
        (GPU_FULL.format(own="78.90 GiB"), MEMORY, MEMORY),
        ("fit() raised OutOfMemoryError: CUDA out of memory.", MEMORY, MEMORY),
    ],
)
def test_a_lost_card_or_one_that_others_fill_is_no_fault_the_first_time(tmp_path, message, told, reason):
    found = blamed(Failure(reason=told, message=message), tmp_path)
    assert (found.reason, found.outside) == (reason, False)

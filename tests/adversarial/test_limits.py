"""Candidates that take more than they are given: each is stopped at its limit, by a control group as by the watchdog, inside
a sandbox as outside, and the machine is as it was."""

import os
import subprocess
import sys
import textwrap
import uuid
from pathlib import Path

import pytest

from evolution.domain.trial import FailureReason, TrialStatus
from evolution.store.remarks import remarks
from evolution.trials import session
from evolution.trials.control_groups import NAME, sweep_groups
from evolution.trials.enforcement import group_place
from evolution.trials.failing import TrialFailed
from evolution.trials.process import Launch, WorkerProcess
from evolution.trials.request import Enforcement, SandboxMode, WorkerLimits
from evolution.trials.worker_log import HEAD_BYTES, TAIL_BYTES
from tests.adversarial.test_candidates import JOB, doing, wait_until

pytestmark = pytest.mark.process

LIMIT_GB = 0.3
MB = 500  # that an attack takes
EVERYWHERE = pytest.mark.parametrize("sandbox", list(SandboxMode))
BY_BOTH = pytest.mark.parametrize("enforcement", list(Enforcement))
WAITS = "; import time; time.sleep(50)"
ATTACKS = {
    "pages of its own": f"kept = bytearray(b'x') * ({MB} << 20)",
    "a file that no folder has": f"import os; kept = os.memfd_create('x'); [os.write(kept, bytes(1 << 20)) for _ in range({MB})]",
    "a file in /dev/shm": f"kept = open('/dev/shm/NAME', 'wb'); [kept.write(bytes(1 << 20)) for _ in range({MB})]; kept.close()",
    "pages of children": (
        "import subprocess, sys; hold = 'import time; kept = bytearray(b\"x\") * (125 << 20); time.sleep(50)'; "
        "kept = [subprocess.Popen([sys.executable, '-c', hold]) for _ in range(4)]"
    ),
    "a shared mapping that it let go of": (
        f"import mmap; kept = mmap.mmap(-1, {MB} << 20); "
        f"[kept.__setitem__(slice(n << 20, (n + 1) << 20), bytes([1]) * (1 << 20)) for n in range({MB})]; "
        "kept.madvise(mmap.MADV_DONTNEED)"
    ),
}


@BY_BOTH
@EVERYWHERE
@pytest.mark.parametrize("attack", ATTACKS)
def test_memory_of_every_kind_is_the_candidates(bench, attack, sandbox, enforcement):
    grouped = enforcement is Enforcement.AUTO and group_place() is not None
    if "mapping" in attack and not grouped and os.geteuid() != 0:
        pytest.skip("the kernel shows such pages to root alone")
    name = f"evolverec-{uuid.uuid4().hex}"
    try:
        code = ATTACKS[attack].replace("NAME", name) + WAITS
        trial = bench.run(
            doing(bench, code), sandbox=sandbox, enforcement=enforcement, memory_gb=LIMIT_GB, timeout_s=30.0
        )
    finally:
        Path("/dev/shm", name).unlink(missing_ok=True)
    assert trial.failure.reason is FailureReason.OUT_OF_MEMORY, trial.failure
    assert "its limit is 0.30 GiB; raise training.memory_gb" in trial.failure.message


@pytest.mark.usefixtures("sandboxed")
@BY_BOTH
def test_a_file_in_the_sandboxs_tmp_is_memory(bench, enforcement):
    code = f"kept = open('/tmp/big', 'wb'); [kept.write(bytes(1 << 20)) for _ in range({MB})]; kept.close()"
    trial = bench.run(doing(bench, code + WAITS), enforcement=enforcement, memory_gb=LIMIT_GB, timeout_s=30.0)
    assert trial.failure.reason is FailureReason.OUT_OF_MEMORY, trial.failure


@pytest.mark.usefixtures("sandboxed")
@pytest.mark.parametrize("folder", ["/", "/dev", "/evolverec", "/proc", "/usr"])
def test_no_other_folder_of_a_sandbox_takes_files(bench, folder):
    code = f"import os; assert not os.access({folder!r}, os.W_OK); open({folder + '/big'!r}, 'wb')"
    trial = bench.smoke(doing(bench, code))
    assert trial.failure.reason is FailureReason.CRASH
    assert "Read-only" in trial.failure.message or "No such file" in trial.failure.message, trial.failure


def test_a_candidate_within_its_limit_is_left_alone_whatever_kind_of_memory_it_uses(bench):
    code = "import os; f = os.memfd_create('x'); os.write(f, bytes(60 << 20)); kept = bytearray(60 << 20); os.close(f)"
    trial = bench.run(doing(bench, code), memory_gb=LIMIT_GB)
    assert trial.status is TrialStatus.COMPLETE, trial.failure
    assert trial.cost.peak_memory_bytes < LIMIT_GB * 2**30


@BY_BOTH
@EVERYWHERE
def test_a_candidate_is_bounded_from_its_first_line_and_goes_first_where_the_machine_has_no_memory_left(
    bench, sandbox, enforcement
):
    """Its import says where it is: no code of its own runs outside of its group. A sandbox does not show it which."""
    if not sys.platform.startswith("linux"):
        pytest.skip("Linux alone has control groups")
    text = bench.changed(
        ("import numpy as np", "import numpy as np\nFOUND = open('/proc/self/oom_score_adj').read().strip()")
    )
    text += "\nraise ValueError('score ' + FOUND + ', groups ' + open('/proc/self/cgroup').read())\n"
    trial = bench.run(text, sandbox=sandbox, enforcement=enforcement)
    assert "score 1000" in trial.failure.message
    if sandbox is SandboxMode.NONE:
        grouped = group_place() is not None and enforcement is Enforcement.AUTO
        assert (NAME.search(trial.failure.message) is not None) is grouped


@EVERYWHERE
def test_what_a_candidate_prints_is_kept_at_both_ends_and_is_no_fault(bench, sandbox):
    line = "x" * 99
    code = f"print('first {line}' if epoch == 0 else ''); print(({line!r} + chr(10)) * 100_000); print('last', epoch, flush=True)"
    trial = bench.run(doing(bench, code), sandbox=sandbox)
    assert trial.status is TrialStatus.COMPLETE, trial.failure
    log = (bench.request().folder / "worker.log").read_text()
    assert len(log) < HEAD_BYTES + TAIL_BYTES + 200
    assert log.startswith("first") and log.endswith("last 2\n") and "evolverec left out" in log


def test_printing_without_end_ends_at_the_time_limit_with_a_small_log(bench):
    trial = bench.run(doing(bench, f"while True: print('x' * {1 << 16})"), timeout_s=4.0)
    assert trial.failure.reason is FailureReason.TIMEOUT
    assert (bench.request().folder / "worker.log").stat().st_size < HEAD_BYTES + TAIL_BYTES + 200


BOMBS = {
    "threads": "import threading; [threading.Thread(target=time.sleep, args=(50,), daemon=True).start() for _ in range(200)]",
    "processes": "import os; [os.fork() or time.sleep(50) for _ in range(30)]",
    "open files": "import os; kept = [os.dup(1) for _ in range(300)]",
    "files": "import os; [open(f'writable/{n}', 'w').close() for n in range(700)]",
    "to disk": "open('writable/big', 'wb').write(bytes(4 << 20))",
    "deeply": "import os; os.chdir('writable'); [(os.mkdir('d' * 200), os.chdir('d' * 200)) for _ in range(100)]",
}


@BY_BOTH
@pytest.mark.parametrize("bomb", BOMBS)
def test_what_a_machine_has_a_number_of_is_limited_by_number(tmp_path, bomb, enforcement, survivors):
    """Limits as small as these are for a process of its own; a trial has them a hundred times as large."""
    (tmp_path / "writable").mkdir()
    mark = uuid.uuid4().hex
    launch = Launch(
        command=[sys.executable, "-c", f"import time; {BOMBS[bomb]}; time.sleep(50)", mark],
        environment={},
        cwd=tmp_path,
        log=tmp_path / "log",
        writable=[tmp_path / "writable"],
        confined=False,
        token=mark,
    )
    limits = WorkerLimits(
        timeout_s=40.0,
        memory_bytes=1 << 30,
        disk_bytes=1 << 20,
        files=500,
        processes=20,
        threads=100,
        open_files=200,
        enforcement=enforcement,
    )
    with (
        WorkerProcess(launch, limits, lambda: False) as process,
        pytest.raises(TrialFailed, match=bomb) as told,
    ):
        process.ask("anything")
    assert told.value.failure.reason is FailureReason.CRASH
    assert survivors(mark) == []


def test_an_item_table_too_wide_to_keep_is_told_and_left_out(bench):
    trial = bench.run(bench.changed(("    def state_dict", f"{WIDE}    def state_dict")))
    assert trial.status is TrialStatus.COMPLETE, trial.failure
    assert not (bench.request().folder / "artifacts" / "item_embeddings.npy").exists()
    assert any("item_embeddings() is not measured" in told for told in remarks(trial)), remarks(trial)


WIDE = f"""    def item_embeddings(self):
        return np.zeros((len(self.table), {session.TABLE_WIDTH + 1}), "f4")

"""


def test_a_state_larger_than_the_memory_that_it_came_from_is_refused_before_it_is_copied(bench):
    """A hole in a file costs nothing until somebody copies it."""
    code = textwrap.dedent(
        """
        import _evolverec_worker.main as guest
        def forged(self, path):
            with open(path, "wb") as file:
                file.truncate(8 << 30)
            return {}
        guest.GuestSession.save_state = forged
        """
    )
    trial = bench.run(bench.changed(("import numpy as np", f"import numpy as np{code}")))
    assert trial.status is TrialStatus.FAILED
    assert "state.bin is 8.00 GiB" in trial.failure.message, trial.failure
    kept = [path for path in bench.request().folder.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in kept) < 64 << 20


def test_the_group_of_a_job_that_was_killed_is_swept_by_the_next(bench, survivors):
    place = group_place()
    if place is None:
        pytest.skip("this machine lets us make no control group")
    mark = f"mark-{uuid.uuid4().hex}"
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)', {mark!r}])"
    bench.write(doing(bench, child))
    job = subprocess.Popen([sys.executable, "-c", JOB, str(bench.repo)])
    try:
        wait_until(lambda: survivors(mark) != [])
    finally:
        job.kill()
        job.wait()
    own = [folder for parent in place.parents for folder in parent.glob(f"evolverec-*-{job.pid}-*")]
    assert own != []
    sweep_groups(place)
    assert survivors(mark) == []
    assert not any(folder.exists() for folder in own)

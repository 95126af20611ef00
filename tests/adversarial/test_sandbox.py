"""What a process in the sandbox can do to the kernel, to keys, to other processes and beyond its network."""

import ctypes
import os
import sys
import time
from pathlib import Path

import psutil
import pytest

from evolution.trials import sandbox
from evolution.trials.analysis import LIMITS, PROGRAM, analyst
from evolution.trials.kernel_view import kernel_arguments
from evolution.trials.launching import start
from evolution.trials.syscalls import this_processor
from tests.adversarial.confined import said_inside

pytestmark = [pytest.mark.process, pytest.mark.usefixtures("sandboxed")]
EACH_USER = pytest.mark.parametrize("as_nobody", [False, True], ids=["this user", "an ordinary user"])

# Opens every file below /proc and /sys for writing, and writes nothing; root's own files need no capability for it.
WRITABLE = """
import json, os
found, readable = [], []
for top in ("/proc", "/sys"):
    for folder, subfolders, files in os.walk(top):
        if folder == "/proc":
            subfolders[:] = [name for name in subfolders if not name.isdigit() or name == str(os.getpid())]
        for path in (os.path.join(folder, name) for name in files):
            if os.path.islink(path) or "/fd/" in path or "/map_files/" in path:
                continue
            try:
                os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
                found.append(path)
            except OSError:
                if os.access(path, os.W_OK):
                    found.append("access: " + path)
            try:
                with open(path, "rb", buffering=0) as file:
                    if not folder.startswith("/proc/%d" % os.getpid()) and file.read(1):
                        readable.append(path)
            except OSError:
                pass
print(json.dumps({"writable": found, "readable": readable}))
"""
READ_BY_LIBRARIES = (
    "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/uptime", "/proc/loadavg", "/proc/version",
    "/proc/filesystems", "/proc/vmstat", "/proc/sys/kernel/", "/proc/sys/vm/", "/sys/devices/system/cpu/",
    "/sys/devices/system/node/",
)  # fmt: skip


@EACH_USER
def test_no_file_of_the_kernels_is_writable_and_few_are_readable(as_nobody):
    seen = said_inside(WRITABLE, as_nobody=as_nobody)
    assert seen["writable"] == []
    assert [path for path in seen["readable"] if not path.startswith(READ_BY_LIBRARIES)] == []
    assert "/proc/cpuinfo" in seen["readable"]


def test_no_file_of_the_kernels_is_writable_with_a_gpu():
    assert said_inside(WRITABLE, as_nobody=False, gpu=True)["writable"] == []


@EACH_USER
def test_folders_of_the_sandbox_itself_hold_nothing(as_nobody):
    """No limit counts the memory of bubblewrap's own folders, so nothing can be written to them."""
    script = """
import json, os
written = []
for folder in ["/", "/dev", "/proc", "/proc/sys", "/proc/bus", "/sys", "/evolverec", "/home", "/etc", "/usr", "/run", "/var"]:
    try:
        open(os.path.join(folder, "filled"), "w").close()
        written.append(folder)
    except OSError:
        pass
open("/tmp/filled", "w").close(); open("/dev/shm/filled", "w").close(); open("/dev/null", "w").write("x")
print(json.dumps(written))
"""
    assert said_inside(script, as_nobody=as_nobody) == []


CALLS = """
import ctypes, errno, json, os
call = ctypes.CDLL(None, use_errno=True).syscall
def tried(number, *arguments):
    ctypes.set_errno(0)
    return "done" if call(number, *arguments) >= 0 else errno.errorcode[ctypes.get_errno()]
print(json.dumps({name: tried(number, *arguments) for name, (number, arguments) in %r.items()}))
"""


def refused(asked, as_nobody):
    numbers = this_processor().numbers
    known = {
        f"{name} {arguments}": (numbers[name], arguments) for name, *arguments in asked if name in numbers
    }
    return said_inside(CALLS % known, as_nobody=as_nobody)


@pytest.fixture
def filtered():
    if lacks := [words for words in sandbox.sandbox_lacks() if "filter" in words]:
        pytest.skip(lacks[0])


@EACH_USER
def test_calls_that_no_training_needs_are_taken_away(filtered, as_nobody):
    asked = [
        ("ptrace", 0, 0, 0, 0),
        ("process_vm_readv", 1, 0, 0, 0, 0, 0),
        ("keyctl", 0, -3, 0),
        ("add_key", b"user", b"name", b"x", 1, -3),
        ("request_key", b"user", b"name", 0, -3),
        ("bpf", 0, 0, 0),
        ("perf_event_open", 0, 0, -1, -1, 0),
        ("userfaultfd", 0),
        ("unshare", 0x10000000),
        ("unshare", 0x00020000),
        ("setns", 0, 0),
        ("mount", b"none", b"/tmp", b"tmpfs", 0, 0),
        ("umount2", b"/tmp", 0),
        ("pivot_root", b"/", b"/"),
        ("chroot", b"/tmp"),
        ("kexec_load", 0, 0, 0, 0),
        ("init_module", 0, 0, b""),
        ("delete_module", b"x", 0),
        ("syslog", 3, 0, 0),
        ("shmget", 0, 4096, 0o1600),
        ("memfd_secret", 0),
        ("personality", 0x0040000),
        ("clone", 0x10000000 | 17, 0, 0, 0, 0),
        ("ioctl", 0, 0x5412, b"x"),
    ]
    answers = refused(asked, as_nobody)
    assert set(answers.values()) == {"EPERM"}, answers


def test_calls_with_a_fallback_are_not_implemented(filtered):
    asked = [("io_uring_setup", 1, 0), ("clone3", 0, 0), ("openat2", -100, 0, 0, 0), ("fsopen", b"tmpfs", 0)]
    assert set(refused(asked, False).values()) == {"ENOSYS"}


@EACH_USER
def test_no_file_is_left_that_runs_as_its_owner(filtered, as_nobody):
    """On disk it would be root's, for anybody on the machine to start."""
    script = """
import json, os
made = []
for name, make in {
    "chmod": lambda path: (open(path, "w").close(), os.chmod(path, 0o4755)),
    "fchmod": lambda path: os.fchmod(os.open(path, os.O_CREAT | os.O_RDWR), 0o2755),
    "open": lambda path: os.open(path, os.O_CREAT | os.O_RDWR, 0o6755),
    "mknod": lambda path: os.mknod(path, 0o104755),
}.items():
    try:
        make("/tmp/" + name)
        made.append(name)
    except PermissionError:
        pass
os.chmod("/tmp/chmod", 0o755)
print(json.dumps([*made, *(name for name in os.listdir("/tmp") if os.stat("/tmp/" + name).st_mode & 0o6000)]))
"""
    assert said_inside(script, as_nobody=as_nobody) == []


@EACH_USER
def test_sockets_stay_in_the_sandbox(filtered, as_nobody):
    """vsock reaches the machine's host past a network namespace; unix, inet and routes serve data loaders."""
    script = """
import json, socket
answers = {}
for name, asked in {"vsock": (40, 1, 0), "packet": (17, 3, 0), "alg": (38, 5, 0), "bluetooth": (31, 3, 0),
                    "audit": (16, 3, 9), "unix": (1, 1, 0), "inet": (2, 1, 0), "inet6": (10, 1, 0), "routes": (16, 3, 0)}.items():
    try:
        socket.socket(*asked).close()
        answers[name] = True
    except OSError:
        answers[name] = False
print(json.dumps([name for name in answers if answers[name]]))
"""
    assert said_inside(script, as_nobody=as_nobody) == ["unix", "inet", "inet6", "routes"]


@EACH_USER
def test_no_namespace_is_made_inside(as_nobody):
    if lacks := [words for words in sandbox.sandbox_lacks() if "namespaces" in words]:
        pytest.skip(lacks[0])
    script = """
import ctypes, json
print(json.dumps(ctypes.CDLL(None, use_errno=True).unshare(0x10000000)))
"""
    assert said_inside(script, as_nobody=as_nobody) == -1


def test_a_process_starts_without_the_keys_of_the_users_session():
    """Tried without the filter, which takes the calls for keys away as well."""
    numbers = this_processor().numbers
    call = ctypes.CDLL(None, use_errno=True).syscall
    join, session = 1, -3

    def serial(number: int) -> int:
        return call(numbers["keyctl"], 0, number, 0)  # KEYCTL_GET_KEYRING_ID

    if call(numbers["keyctl"], join, None) < 0:
        pytest.skip("this kernel or container has no keyrings")
    key = call(numbers["add_key"], b"user", b"evolverec-test", b"secret", 6, session)
    if key < 0:
        pytest.skip("no key can be added here")
    script = (
        "import ctypes, sys; call = ctypes.CDLL(None).syscall; "
        f"sys.exit(call({numbers['keyctl']}, 10, -3, b'user', b'evolverec-test', 0) >= 0)"  # KEYCTL_SEARCH
    )
    assert start([sys.executable, "-c", script]).wait() == 0
    assert serial(session) >= 0  # this thread keeps its own
    assert call(numbers["keyctl"], 10, session, b"user", b"evolverec-test", 0) == key


def test_the_analyst_is_confined_as_strongly(bench, micro):
    bench.run()
    process, _ = analyst(bench.request().folder, micro, program=PROGRAM, limits=LIMITS)
    with process:
        told = [status_of(child) for child in analysts_of(bench.request().folder)]
    assert told, "the analyst was not found"
    expected = "0" if any("filter" in words for words in sandbox.sandbox_lacks()) else "2"
    for status in told:
        assert status["Seccomp"] == expected and status["NoNewPrivs"] == "1"
        assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0


def analysts_of(folder: Path) -> list[psutil.Process]:
    """The analyst's own processes, once it runs below bubblewrap."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = [
            process
            for process in psutil.Process().children(recursive=True)
            if process.name().startswith("python") and "analyst" in " ".join(process.cmdline())
        ]
        if found:
            return found
        time.sleep(0.02)
    return []


def status_of(process: psutil.Process) -> dict[str, str]:
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def test_training_has_what_it_needs(bench):
    """Worker processes of each kind, shared memory, a pipe, threads, the processors' number."""
    text = bench.changed(
        ("import numpy as np", NEEDS + "import numpy as np"),
        ("for epoch in range(3):", "needed()\n        for epoch in range(3):"),
    )
    trial = bench.run(text)
    assert trial.failure is None, trial.failure


NEEDS = """
import multiprocessing, os, socket, subprocess, sys, tempfile, threading
from multiprocessing import shared_memory


def double(number):
    return 2 * number


def needed():
    for kind in ("fork", "forkserver", "spawn"):
        with multiprocessing.get_context(kind).Pool(2) as pool:
            assert pool.map(double, [1, 2]) == [2, 4], kind
    block = shared_memory.SharedMemory(create=True, size=1 << 20)
    block.buf[0] = 7
    block.close()
    block.unlink()
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()
    assert subprocess.run([sys.executable, "-c", "print(1)"], capture_output=True).stdout == b"1\\n"
    with tempfile.NamedTemporaryFile(delete=False) as file:
        os.chmod(file.name, 0o755)
    thread = threading.Thread(target=double, args=(1,))
    thread.start()
    thread.join()
    assert os.cpu_count() and len(os.sched_getaffinity(0))


"""


def test_arguments_name_each_kernel_file_that_is_covered():
    """So that a file which a later kernel has is covered too: what is shown is listed, not what is hidden."""
    arguments = kernel_arguments(gpu=False)
    shown = {"cpuinfo", "meminfo", "stat", "uptime", "loadavg", "version", "filesystems", "vmstat", "sys"}
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit() and not entry.is_symlink():
            assert (entry.path in arguments) == (entry.name not in shown or entry.name == "sys"), entry.name

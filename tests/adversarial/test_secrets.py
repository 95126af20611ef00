"""A candidate searches everything it can reach for what it must not know. It finds nothing."""

import json
from pathlib import Path

import numpy as np
import pytest

import seeds
from evolution.domain.trial import TrialStatus

pytestmark = pytest.mark.process

OURS = Path(seeds.__file__).parent

SEARCH = """
import json, os, sys
import numpy as np

FOUND = []
BYTES = bytes.fromhex("{targets}")
NAMES = {names}


def look(where, content):
    for name in NAMES:
        if name.encode() in content:
            FOUND.append([where, name])
    if BYTES in content:
        FOUND.append([where, "targets"])


def search():
    for key, value in os.environ.items():
        look("environment " + key, value.encode())
    look("arguments", repr(sys.argv).encode() + repr(getattr(sys, "orig_argv", "")).encode())
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            look("descriptor " + descriptor, os.readlink("/proc/self/fd/" + descriptor).encode())
        except OSError:
            pass
    for process in os.listdir("/proc"):
        for name in ("environ", "cmdline", "maps", "mountinfo"):
            try:
                if process.isdigit():
                    with open("/proc/" + process + "/" + name, "rb") as file:
                        content = file.read()
                    look("/proc " + process + " " + name, content if name in ("environ", "cmdline") else b"")
            except OSError:
                pass
    for top in ("/evolverec", "/tmp", "/home", "/root", "/var", "/etc", "/dev/shm", "/work", "/mnt", "/srv", "/opt"):
        for folder, subfolders, files in os.walk(top):
            if "site-packages" in folder or "/lib/python" in folder:
                subfolders.clear()
                continue
            for name in files:
                path = os.path.join(folder, name)
                look("name " + path, path.encode())
                try:
                    if os.path.getsize(path) < 50_000_000 and path != os.path.abspath(__file__):
                        with open(path, "rb") as file:
                            look("file " + path, file.read())
                except OSError:
                    pass
    for path in {paths}:
        if os.path.exists(path):
            FOUND.append(["path", path])
    try:
        import socket
        socket.create_connection(("127.0.0.1", {port}), timeout=1).close()
        FOUND.append(["network", "connected"])
    except OSError:
        pass
    for name in ("evolution.trials.run", "seeds.shop", "server.cli"):
        try:
            __import__(name)
            FOUND.append(["import", name])
        except ImportError:
            pass


class Searcher:
    def __init__(self, n):
        self.n = n

    def fit(self):
        search()
        print("FOUND", json.dumps(FOUND))
        yield {{"loss": 1.0}}

    def score(self, users, histories):
        return np.random.default_rng(0).normal(size=(self.n, self.n)).astype("f4")[histories[:, -1]]


def build(data, *, device, seed):
    return Searcher(data.n_items + 1)
"""


def test_a_candidate_finds_no_label_no_secret_and_no_network(
    bench, micro, sandboxed, monkeypatch, own_configuration
):
    import socket

    for name in ("OPENAI_API_KEY", "EVOLVEREC_LLM_KEY"):
        monkeypatch.setenv(name, "sk-very-secret-5309")
    (own_configuration / "config.toml").write_text('[llm]\nmodel = "m"\nkey = "sk-very-secret-5309"\n')
    (bench.repo / ".evolverec").mkdir()
    (bench.repo / ".evolverec" / "secret.txt").write_text("sk-very-secret-5309")
    with socket.create_server(("127.0.0.1", 0)) as server:
        text = SEARCH.format(
            targets=micro.validation.targets[:8].tobytes().hex(),
            names=json.dumps(["sk-very-secret-5309", "labels/validation"]),
            paths=json.dumps(
                [
                    str(micro.folder),
                    str(bench.repo / ".evolverec"),
                    str(Path.home() / ".ssh"),
                    str(OURS),
                ]
            ),
            port=server.getsockname()[1],
        )
        trial = bench.run(text)
    assert trial.status is TrialStatus.COMPLETE, trial.failure
    log = (bench.request().folder / "worker.log").read_text()
    said = [json.loads(line.partition("FOUND ")[2]) for line in log.splitlines() if line.startswith("FOUND ")]
    assert said
    assert said == [[]] * len(said)


def test_the_search_would_find_the_targets_if_they_were_there(bench, micro, sandboxed):
    """The other test's search is not blind: given a file with the targets in the program, it reports it."""
    np.save(bench.repo / "leak.npy", micro.validation.targets)
    text = SEARCH.format(targets=micro.validation.targets[:8].tobytes().hex(), names="[]", paths="[]", port=1)
    bench.run(text)
    log = (bench.request().folder / "worker.log").read_text()
    assert "leak.npy" in log


def test_what_a_candidate_writes_does_not_reach_the_program(bench):
    trial = bench.run(
        bench.changed(
            (
                "for epoch in range(3):",
                "open('model.py', 'a').write('broken(')\n        for epoch in range(3):",
            )
        )
    )
    assert trial.status is TrialStatus.COMPLETE, trial.failure
    assert "broken(" not in (bench.repo / "model.py").read_text().splitlines()[-1]


@pytest.mark.parametrize("link", ["symlink", "pickle", "pipe"])
def test_a_forged_answer_is_refused_before_it_is_read(bench, link):
    forged = {
        "symlink": "os.unlink(p); os.symlink('/etc/hostname', p)",
        "pickle": "real(p, np.array([{}], dtype=object), allow_pickle=True)",
        "pipe": "os.unlink(p); os.mkfifo(p)",
    }[link]
    text = bench.changed(
        (
            "import numpy as np",
            "import os\nimport numpy as np\nreal = np.save\n\ndef save(p, *rest, **more):\n    real(p, *rest, **more)\n"
            f"    if str(p).endswith('top_items.npy'):\n        {forged}\n\nnp.save = save",
        )
    )
    trial = bench.run(text)
    assert trial.status is TrialStatus.FAILED
    assert trial.failure.reason == "contract"
    assert "top_items.npy" in trial.failure.message


@pytest.mark.parametrize("name", ["users.npy", "histories.npy", "state.bin"])
def test_a_link_where_the_job_writes_reaches_no_file_of_the_users(bench, sandboxed, name):
    victim = bench.repo.parent / "victim"
    victim.write_text("precious")
    text = bench.changed(
        (
            "    def score(self, users, histories):",
            "    def score(self, users, histories):\n"
            f"        for place in ('wire', 'handed'):\n"
            "            try:\n"
            f"                path = '/evolverec/' + place + '/{name}'\n"
            "                if os.path.lexists(path):\n"
            "                    os.unlink(path)\n"
            f"                os.symlink({str(victim)!r}, path)\n"
            "            except OSError:\n"
            "                pass",
        ),
        ("import numpy as np", "import os\nimport numpy as np"),
    )
    trial = bench.run(text)
    assert victim.read_text() == "precious"
    assert trial.failure is None or "state.bin is not a plain file" in trial.failure.message


def test_a_link_in_place_of_the_saved_state_is_not_followed(bench, sandboxed):
    """Else a worker could have any file of the user's, the labels among them, handed back as its own state."""
    secret = bench.repo.parent / "secret"
    secret.write_text("sk-very-secret-5309")
    text = bench.changed(
        ("import numpy as np", "import os, pickle\nimport numpy as np"),
        (
            "def build(data, *, device, seed):",
            "def dump(state, file):\n"
            "    os.unlink(file.name)\n"
            f"    os.symlink({str(secret)!r}, file.name)\n\n"
            "def load(file):\n"
            "    print('LOADED', file.read())\n\n"
            "pickle.dump, pickle.load = dump, load\n\n\n"
            "def build(data, *, device, seed):",
        ),
    )
    trial = bench.run(text)
    assert "5309" not in (bench.request().folder / "worker.log").read_text()
    assert trial.status is TrialStatus.FAILED
    assert trial.failure.reason == "contract"
    assert "state.bin is not a plain file" in trial.failure.message
    assert secret.read_text() == "sk-very-secret-5309"

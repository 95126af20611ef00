"""`evolverec diff` into a pipe: `git apply` takes it, whatever bytes the file has."""

import subprocess
from dataclasses import replace

import pytest

from diagnosis.encoding import decoded
from evolution.domain.edits import make_edits
from evolution.repo.programs import Programs
from evolution.store.store import Store
from server.cli.main import run

LINES = {
    "carriage returns": b"x = 1\r\ny = 2\r\nz = 3\r\n",
    "one carriage return": b"x = 1\ny = 2\r\nz = 'a\rb'\n",
    "an escape": b"x = 1\ny = 2\nz = '\x1b[31m'\n",
    "a form feed": b"x = 1\n\x0cy = 2\nz = '\x85\xc2\x85'\n",
    "latin-1": b"# coding: latin-1\nx = 1\ny = 2\nz = '\xe9'\n",
    "no encoding at all": b"x = 1\ny = 2\nz = '\xff\xfe'\n",
    "a byte order mark": b"\xef\xbb\xbfx = 1\ny = 2\nz = '\xe2\x80\xae'\n",
    "no end": b"x = 1\ny = 2\nz = 3",
}


@pytest.mark.parametrize("name", LINES)
def test_a_diff_into_a_pipe_is_taken_by_git_apply(repo, proposal, capfdbinary, name):
    file = repo / "model.py"
    file.write_bytes(LINES[name])
    programs = Programs.open(repo)
    base, before = programs.snapshot().tree, decoded(LINES[name])
    after = before.replace("y = 2", "y = 22")
    child = programs.with_files(base, {"model.py": after})
    patch = replace(proposal.patch, base=base, edits=tuple(make_edits("model.py", before, after)))
    changed = replace(proposal, id="bytes00001", patch=patch, details={"diff": programs.diff(base, child)})
    with Store.open(repo) as store:
        store.put_proposal(changed)
    capfdbinary.readouterr()
    assert run(["diff", str(repo), changed.id]) == 0
    given = capfdbinary.readouterr().out
    subprocess.run(["git", "apply"], cwd=repo, input=given, check=True)
    assert file.read_bytes() == LINES[name].replace(b"y = 2", b"y = 22")

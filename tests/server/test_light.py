"""What a running language server loads later, by an import within a function, is as light as what it loads at its start."""

import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tests.server.test_process import HEAVY

pytestmark = pytest.mark.process

LOAD = """
import ast, importlib, sys
from pathlib import Path
root = Path({root!r})
sys.path.insert(0, str(root))
functions = (ast.FunctionDef, ast.AsyncFunctionDef)
inner = lambda tree: (n for f in ast.walk(tree) if isinstance(f, functions) for n in ast.walk(f))
named = lambda file: ".".join(file.relative_to(root).with_suffix("").parts)
waiting = {{named(file) for file in sorted((root / "server" / "lsp").rglob("*.py"))}}
known, looked_at = set(), set()
while waiting:
    name = waiting.pop()
    importlib.import_module(name)
    heavy = [heavy for heavy in {heavy!r} if heavy in sys.modules]
    assert not heavy, (name, heavy)
    known.add(name)
    ours = {{module for module in sys.modules if module.startswith("server.")}} - looked_at
    looked_at |= ours
    for module in ours:
        file = sys.modules[module].__file__
        for node in inner(ast.parse(Path(file).read_text())):
            if isinstance(node, ast.ImportFrom):
                waiting.add(node.module)
            elif isinstance(node, ast.Import):
                waiting |= {{alias.name for alias in node.names}}
    waiting -= known
print(len(known))
"""


def test_nothing_that_a_command_imports_later_is_heavy():
    code = LOAD.format(root=str(ROOT), heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 50


KEEP = """
import sys
from pathlib import Path
sys.path.insert(0, {root!r})
from diagnosis.coevolution.spec import ProbeSpec
from evolution.coevolution.keeping import keep
from evolution.domain.probe import ProbeRecord, ProbeState
from evolution.store.store import Store
spec = ProbeSpec(name="price-gap", complaint="missed-price", signal="price", definition="d", unit="u",
                 higher_is_better=False, author="template", template="gap", parameters={{"column": "price"}})
with Store.open(Path({repo!r})) as store:
    store.put_probe(ProbeRecord(id="o", spec=spec, state=ProbeState.ADMITTED, trial="t", reason="", sentence="", created_at=0.0))
    print(keep(Path({repo!r}), store, spec.id).name, [heavy for heavy in {heavy!r} if heavy in sys.modules])
"""


def test_keeping_a_probe_loads_nothing_heavy(tmp_path):
    code = KEEP.format(root=str(ROOT), repo=str(tmp_path), heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "price-gap.py []\n", done.stderr

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
sys.path.insert(0, {root!r})
files = [file for part in ("lsp", "shown", "report") for file in sorted((Path({root!r}) / "server" / part).rglob("*.py"))]
functions = (ast.FunctionDef, ast.AsyncFunctionDef)
inner = lambda tree: (n for f in ast.walk(tree) if isinstance(f, functions) for n in ast.walk(f))
names = {{".".join(file.relative_to({root!r}).with_suffix("").parts) for file in files}}
for file in files:
    for node in inner(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            names.add(node.module)
        elif isinstance(node, ast.Import):
            names |= {{alias.name for alias in node.names}}
for name in sorted(names):
    importlib.import_module(name)
    heavy = [heavy for heavy in {heavy!r} if heavy in sys.modules]
    assert not heavy, (name, heavy)
print(len(names))
"""


def test_nothing_that_a_command_imports_later_is_heavy():
    code = LOAD.format(root=str(ROOT), heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 50

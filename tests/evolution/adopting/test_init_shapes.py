"""What `evolverec init` reads out of strangers' repos, without running them."""

import ast
from pathlib import Path

import pytest

from evolution.adopting.adapter_text import adapter_text, counted_lines
from evolution.adopting.findings_of_repo import Adoption, look_at
from evolution.adopting.gaps import gaps_in

FOREIGN = Path(__file__).parents[2] / "foreign"


def looked_at(shape: str, tmp_path: Path) -> Adoption:
    """A shape without anything of ours in it."""
    for path in (FOREIGN / shape).rglob("*"):
        ours = (
            path.name in ("adapter.py", "evolverec.toml", "evolverec_kit.py") or "__pycache__" in path.parts
        )
        if path.is_file() and not ours:
            target = tmp_path / path.relative_to(FOREIGN / shape)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    return look_at(tmp_path)


@pytest.mark.parametrize(
    ("shape", "script", "cwd", "loop", "model"),
    [
        ("sasrec_port", "python/main.py", "python", ("python/main.py", "", "epoch"), "SelfAttRec"),
        ("lightgcn", "code/main.py", "code", ("code/main.py", "", "epoch"), "LightGCN"),
        ("neumf", "main.py", ".", ("main.py", "", "epoch"), ""),
        ("gsasrec", "train.py", ".", ("train.py", "", "epoch"), ""),
        (
            "packages",
            "shoptrain.cli:main",
            ".",
            ("src/shoptrain/engine.py", "Engine.run", "number"),
            "MarkovFactors",
        ),
        ("notebook", "autoencoder.ipynb", ".", ("autoencoder.ipynb", "", "epoch"), "DAE"),
    ],
)
def test_the_program_its_loop_and_its_model_are_found(shape, script, cwd, loop, model, tmp_path):
    found = looked_at(shape, tmp_path)
    program = found.program
    assert program is not None and found.model is not None
    assert (program.script, program.cwd) == (script, cwd)
    assert program.end.loop == loop
    assert model in found.model.name


@pytest.mark.parametrize("shape", ["sasrec_port", "lightgcn", "neumf"])
def test_an_adapter_without_gaps_has_at_most_25_lines(shape, tmp_path):
    text = adapter_text(looked_at(shape, tmp_path))
    assert gaps_in(text) == []
    assert counted_lines(text) <= 25
    ast.parse(text)


@pytest.mark.parametrize(
    "shape", [path.name for path in sorted(FOREIGN.iterdir()) if path.is_dir() and path.name != "__pycache__"]
)
def test_every_draft_is_python_and_says_its_gaps_on_their_lines(shape, tmp_path):
    text = adapter_text(looked_at(shape, tmp_path))
    ast.parse(text)
    for line, words in gaps_in(text):
        assert words.startswith("fill in: ") and "raise NotImplementedError" in text.splitlines()[line - 1]


def test_events_are_written_where_and_how_the_script_reads_them(tmp_path):
    text = adapter_text(looked_at("lightgcn", tmp_path))
    assert 'train.txt", data, kind="lists", ids=ids)' in text
    assert "users=0, items=0" in text

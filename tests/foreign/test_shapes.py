"""Strangers' repos are what they claim: they know nothing of us, and train by their own command on their own format."""

from itertools import islice
from pathlib import Path

import pytest

from seeds.shop import make
from tests.foreign.shapes import HERE, SHAPES, Shape

each_shape = pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)


def test_there_are_ten() -> None:
    assert len({shape.name for shape in SHAPES}) == 10


@each_shape
def test_it_knows_nothing_of_us(shape: Shape) -> None:
    files = [path for path in (HERE / shape.name).rglob("*") if path.is_file() and path.suffix != ".pyc"]
    names = {path.name for path in files}
    assert "README.md" in names and names & {"requirements.txt", "pyproject.toml"}
    assert not names & {"adapter.py", "evolverec.toml", "evolverec_kit.py"}
    assert not [path for path in files if "evolverec" in path.read_text("utf-8").lower()]


@each_shape
def test_its_log_is_written_in_its_own_format(shape: Shape, tmp_path: Path) -> None:
    log = make("micro").interactions
    path = tmp_path / shape.log
    path.parent.mkdir(parents=True, exist_ok=True)
    shape.write(path, log)
    with path.open() as lines:
        assert all(line.strip() for line in islice(lines, 3))


@pytest.mark.slow
@pytest.mark.process
@pytest.mark.training
@each_shape
def test_it_trains_by_its_own_command(shape: Shape, tmp_path: Path) -> None:
    repo = shape.fresh(tmp_path / shape.name, make("micro").interactions)
    assert shape.run(repo, shape.train + shape.quick)

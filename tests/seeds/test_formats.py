"""The contract of a format: it names every file that it reads, and describing it costs nothing. For each in FORMATS."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from seeds.loading import built_in, described_sources, files_of, formats, load, log_suffixes
from seeds.loading.format import Format

ATOMIC = {
    "shop.inter": "user_id:token\titem_id:token\ttimestamp:float\nu\ti\t1\nu\tj\t2\nu\tk\t3\nv\ti\t1\n",
    "shop.item": "item_id:token\ttitle:token_seq\ni\tA thing\n",
}
# By a format's name: a log in it, as the files of a folder, and which of them the source may name.
SAMPLES = {
    "RecBole atomic files": (ATOMIC, "shop.inter"),
    "tables": (
        {"log.csv": "user,item,time\nu,i,1\nu,j,2\n", "items.csv": "item,title\ni,A thing\n"},
        "log.csv",
    ),
}
opened: list[str] | None = None


def _listen(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and opened is not None:
        opened.append(str(arguments[0]))


sys.addaudithook(_listen)


@contextmanager
def files_opened(folder: Path) -> Iterator[set[str]]:
    """The files of a folder that are opened inside of `with`; known at its end."""
    global opened
    found: set[str] = set()
    opened = []
    try:
        yield found
        found |= {name for name in opened if name.startswith(str(folder))}
    finally:
        opened = None


@pytest.fixture(params=formats.FORMATS, ids=lambda known: known.name)
def known(request: pytest.FixtureRequest) -> Format:
    return request.param


def written(folder: Path, known: Format) -> tuple[Path, Path]:
    """A folder with a log in this format, called otherwise, and a file that is none; the folder, the log's file."""
    files, named = SAMPLES[known.name]
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    (folder / "notes.txt").write_text("no log at all")
    return folder, folder / named


@pytest.mark.parametrize("whole", [True, False], ids=["folder", "file"])
def test_a_format_names_every_file_that_it_reads(tmp_path: Path, known: Format, whole: bool) -> None:
    folder, file = written(tmp_path / "data", known)
    source = folder if whole else file
    with files_opened(folder) as read:
        assert load(str(source), root=tmp_path).n_events > 0
    named = {str(path) for path in known.files_of(source)}
    assert read and read <= named
    assert str(folder / "notes.txt") not in named


def test_what_is_no_log_has_no_files(tmp_path: Path, known: Format) -> None:
    (tmp_path / "notes.txt").write_text("no log at all")
    for path in (tmp_path, tmp_path / "notes.txt", tmp_path / "nowhere"):
        assert known.files_of(path) == ()


def test_a_log_is_known_by_its_name(tmp_path: Path, known: Format) -> None:
    _, file = written(tmp_path / "data", known)
    assert file.name.endswith(log_suffixes())
    assert known.described in described_sources()


def test_a_folder_that_cannot_be_listed_has_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> Iterator[Path]:
        raise PermissionError("not yours")

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert files_of(".", root=tmp_path) == ()


def test_the_built_in_shop_has_no_files_unless_one_is_called_so(tmp_path: Path, known: Format) -> None:
    assert files_of("shop-micro", root=tmp_path) == ()
    written(tmp_path / "shop-micro", known)
    assert files_of("shop-micro", root=tmp_path) != ()
    assert all("users" in sentence for sentence in built_in().values())


def test_describing_sources_loads_nothing_heavy() -> None:
    code = (
        "import sys, seeds.loading as s, seeds.new as n, evolution.repo.held_out, evolution.repo.new_repo;"
        "s.described_sources(), s.built_in(), s.log_suffixes(), s.files_of('.', root=__import__('pathlib').Path('.')), n.all_seeds();"
        "print([name for name in ('numpy', 'polars', 'pydantic') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

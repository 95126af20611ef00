"""What a new recommender can be made of is said by the seeds and the loaders; a further one needs no word here."""

import subprocess
import sys

import pytest

from evolution.base.errors import UsageError
from evolution.repo.new_repo import first_seed, make_repo
from seeds.errors import SourceError
from seeds.loading import load
from server.lsp.new_repo import _choices
from server.shown.repo_files import logs_below
from tests.conftest import ROOT


async def test_an_editor_is_told_every_seed_and_every_source_in_a_sentence(connect, jsonl, other_seed):
    told = await (await connect("visual-studio-code")).ask("choices")
    assert told == _choices()


def test_a_seed_that_is_added_can_be_chosen(other_seed, tmp_path):
    first, *_, added = _choices()["seeds"]
    assert first["name"] == first_seed() == "sasrec"
    assert first["title"] == "SASRec" and first["sentence"].startswith("Self-attentive sequential")
    assert added == {
        "name": "throwaway",
        "title": "Throw-away",
        "sentence": "Nearest neighbours (Nobody et al., 1999): counts, and no more.",
    }
    made = make_repo("throwaway", tmp_path / "mine", "shop-micro")
    assert made["seed"] == "throwaway" and (tmp_path / "mine" / "evolverec.toml").exists()
    with pytest.raises(UsageError, match=r"expected one of sasrec, .*throwaway"):
        make_repo("other", tmp_path / "other", "shop-micro")


def test_a_format_that_is_added_is_offered_and_named_in_every_message(jsonl, tmp_path):
    for name in ("a.inter", "b.jsonl", "notes.txt"):
        (tmp_path / name).write_text("")
    assert logs_below(tmp_path, "") == ["a.inter", "b.jsonl"]
    logs = _choices()["logs"]
    assert jsonl.described in logs["sentence"] and set(jsonl.suffixes) < set(logs["suffixes"])
    with pytest.raises(UsageError, match=jsonl.described):
        make_repo("sasrec", tmp_path / "mine", str(tmp_path / "nowhere"))
    with pytest.raises(SourceError, match=jsonl.described):
        load("notes.txt", root=tmp_path)


ADDED = """
from dataclasses import replace
from seeds.loading import formats

formats.FORMATS = (*formats.FORMATS, replace(formats.FORMATS[0], described="a throw-away .jsonl file"))
"""


def said_where_a_format_is_added(code: str) -> str:
    """What the code prints in a process of its own, where a format has been added before all else."""
    command = [sys.executable, "-c", ADDED + code]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_the_help_of_the_config_and_of_the_command_line_name_a_format_that_is_added():
    config = "from server.lsp.config_schema import key_of\nprint(key_of('data', 'source').description)"
    assert "or a throw-away .jsonl file" in said_where_a_format_is_added(config)
    command = "from server.cli.main import run\nrun(['new', '--help'])"
    assert "throw-away" in said_where_a_format_is_added(command)

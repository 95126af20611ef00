"""What `evolverec init` writes, asks and never overwrites."""

from pathlib import Path

import pytest

from evolution.adopting.init import InitQuestion, init_repo
from evolution.base.errors import UsageError
from evolution.repo.config import config_problems
from tests.evolution.adopting.test_init_reading import HEAD, MODEL, NET, STEP

READING = "rows = [l.split() for l in open(args.data)]\n"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    (tmp_path / "main.py").write_text(f"{HEAD}{READING}{MODEL}for epoch in range(args.epochs):{STEP}")
    (tmp_path / "net.py").write_text(NET)
    return tmp_path


def files_of(repo: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in repo.iterdir() if path.is_file()}


def test_three_files_are_written_and_nothing_else_is_touched(repo):
    before = files_of(repo)
    told = init_repo(repo, data="shop-micro")
    after = files_of(repo)
    assert told["written"] == ["adapter.py", "evolverec_kit.py", "evolverec.toml"]
    assert {name: text for name, text in after.items() if name in before} == before
    assert config_problems(after["evolverec.toml"]) == []
    assert 'entry = "adapter:build"' in after["evolverec.toml"]
    assert "max_epochs = 7" in after["evolverec.toml"]


def test_run_again_it_writes_nothing_new(repo):
    init_repo(repo, data="shop-micro")
    before = files_of(repo)
    assert init_repo(repo, data="shop-micro")["written"] == []
    assert files_of(repo) == before


def test_run_again_it_updates_what_was_not_edited(repo):
    init_repo(repo, data="shop-micro")
    main = repo / "main.py"
    main.write_text(main.read_text().replace("for epoch in", "for round_ in"))
    assert init_repo(repo, data="shop-micro")["written"] == ["adapter.py"]
    assert '"round_"' in (repo / "adapter.py").read_text()
    assert init_repo(repo, data="shop-micro")["written"] == []


def test_edits_are_never_overwritten(repo):
    init_repo(repo, data="shop-micro")
    for name in ("adapter.py", "evolverec.toml", "evolverec_kit.py"):
        path = repo / name
        path.write_text("# mine\n" + path.read_text())
    before = files_of(repo)
    main = repo / "main.py"
    main.write_text(main.read_text().replace("for epoch in", "for round_ in"))
    told = init_repo(repo, data="shop-demo")
    assert (told["written"], sorted(told["kept"])) == (
        [],
        ["adapter.py", "evolverec.toml", "evolverec_kit.py"],
    )
    assert {**files_of(repo), "main.py": ""} == {**before, "main.py": ""}


def test_an_adapter_of_somebody_else_keeps_its_name(repo):
    (repo / "adapter.py").write_text("def adapt():\n    return 1\n")
    assert init_repo(repo, data="shop-micro")["adapter"] == "evolverec_adapter.py"
    assert (repo / "adapter.py").read_text() == "def adapt():\n    return 1\n"


def test_a_repo_that_builds_already_needs_no_adapter(repo):
    (repo / "entry.py").write_text("def build(data, *, device, seed):\n    return None\n")
    told = init_repo(repo, data="shop-micro")
    assert (told["entry"], told["adapter"], told["written"]) == ("entry:build", "", ["evolverec.toml"])


def test_it_asks_for_the_log_alone_where_the_rest_is_plain(repo):
    asked: list[InitQuestion] = []

    def ask(question: InitQuestion) -> str:
        asked.append(question)
        return "shop-micro"

    assert init_repo(repo, ask=ask)["questions"] == 1
    assert [question.key for question in asked] == ["--data"]


def test_a_log_that_the_program_reads_is_taken_with_its_columns(repo):
    (repo / "data").mkdir()
    (repo / "data" / "log.txt").write_text("1 2\n1 3\n" * 400)
    main = repo / "main.py"
    main.write_text(
        main.read_text().replace(
            READING,
            "rows = []\nfor line in open(args.data):\n    u, i = line.split(' ')\n    rows.append((u, i))\n",
        )
    )
    told = init_repo(repo)
    text = (repo / "evolverec.toml").read_text()
    assert (told["questions"], told["missing"]) == (0, [])
    assert 'source = "data/log.txt"' in text and 'user = "1", item = "2"' in text
    assert config_problems(text) == []


def test_without_a_log_the_built_in_shop_stands_there_and_is_said_to_be_missing(repo):
    told = init_repo(repo)
    assert [gap["path"] for gap in told["missing"]] == ["evolverec.toml"]


@pytest.mark.parametrize(
    ("option", "named"), [("train", "no.py"), ("model", "no.py:Net"), ("data", "no.csv"), ("model", "net.py")]
)
def test_what_is_named_in_vain_is_said(option, named, repo):
    with pytest.raises(UsageError, match=named.partition(":")[0]):
        init_repo(repo, **{option: named})
    assert not (repo / "adapter.py").exists()

"""Source files as Python reads them: encodings, line ends, nesting, and syntax of later versions than our own."""

import ast
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnosis.anchors import blob_hash
from diagnosis.encoding import MARK, decoded, encoded
from diagnosis.rules.check import check_source, unseen_by_rules
from diagnosis.syntax import DEEPEST, Hurdle, Unparsed, parse, parsed, statement_range
from evolution.base.errors import EditError
from evolution.domain.edits import Edit, apply_edits, make_edits
from evolution.domain.proposal import Idea, Patch, Proposal, Verified
from evolution.domain.trial import Trial, TrialStatus
from evolution.proposers.coding.checks import check, for_interpreter
from evolution.proposers.coding.liveness import SmokeRun, judge
from evolution.proposers.coding.records import Rung
from evolution.proposers.coding.views import numbered, outline
from evolution.proposers.normal_form import normal_form
from evolution.recipes import code
from evolution.recipes.recipe import DoesNotFit, Facts, RecipeContext
from evolution.repo.applying import apply_to_files
from evolution.repo.config import Config, DataSection, RecommenderSection, config_problems, read_config
from evolution.repo.programs import Programs
from evolution.trials.failing import TrialFailed
from evolution.trials.foreign_syntax import judged
from evolution.trials.identity import trial_key
from evolution.trials.interpreter import Interpreter
from evolution.trials.parsing import parse_reachable
from server.lsp import rules
from server.lsp.view import find_entry
from server.shown.edited import has_blob
from tests.adversarial.later_python import LATER, stand_in

CARELESS = "import torch.nn.functional as F\n\n\ndef forward(x):\n    return F.dropout(x, 0.5)\n"
NOTE = "# caf\u00e9\n"
FILES = {
    "mark": MARK.encode() + CARELESS.encode(),
    "mark and cookie": MARK.encode() + b"# coding: utf-8\n" + NOTE.encode() + CARELESS.encode(),
    "latin-1": b"# -*- coding: latin-1 -*-\n" + (NOTE + CARELESS).encode("latin-1"),
    "latin-1 before its cookie": NOTE.encode("latin-1") + b"# coding=latin-1\n" + CARELESS.encode(),
    "shift-jis": "#!/x\n# coding: shift_jis\n# \u65e5\u672c\n".encode("shift_jis") + CARELESS.encode(),
    "CRLF": CARELESS.replace("\n", "\r\n").encode(),
    "mark and CRLF": MARK.encode() + CARELESS.replace("\n", "\r\n").encode(),
    "form feed": CARELESS.replace("\n\n\n", "\n\n\x0c\n").encode(),
    "latin-1 and CRLF": ("# coding: latin-1\n" + NOTE + CARELESS).replace("\n", "\r\n").encode("latin-1"),
}
NO_PYTHON = {
    "null bytes": b"x = 1\0\n",
    "no UTF-8": b"x = '\xe9'\n",
    "unknown encoding": b"# coding: klingon\nx = '\xe9'\n",
    "UTF-16": "x = 1\n".encode("utf-16"),
}
DEEP = {
    "sum": "x = " + "+".join("a" * 100_000) + "\n",
    "minus": "x = " + "-" * 50_000 + "1\n",
    "parentheses": "x = " + "(" * 5000 + ")" * 5000 + "\n",
    "lists": "x = " + "[" * 150 + "]" * 150 + "\n" + "y = " + "+".join("a" * 2000) + "\n",
    "calls": "x = a" + "()" * 3000 + "\n",
    "attributes": "x = a" + ".b" * 3000 + "\n",
    "conditions": "x = " + "1 if a else " * 2000 + "2\n",
    "elif": "if a:\n    pass\n" + "elif b:\n    pass\n" * 2000,
    "blocks": "".join(" " * i + "if x:\n" for i in range(150)) + " " * 150 + "pass\n",
    "lambdas": "x = " + "lambda: " * 2000 + "1\n",
}
any_file = pytest.mark.parametrize("name", FILES)
any_depth = pytest.mark.parametrize("name", DEEP)


@settings(database=None, derandomize=True, deadline=None)
@given(
    st.sampled_from(
        [b"", MARK.encode(), b"# coding: latin-1\n", b"# coding: gbk\r", b"#!x\n# coding: cp932\n"]
    ),
    st.binary(max_size=30) | st.text(max_size=20).map(lambda text: text.encode("utf-8", "ignore")),
)
def test_a_file_that_is_decoded_and_encoded_again_is_the_same(head: bytes, rest: bytes) -> None:
    assert encoded(decoded(head + rest)) == head + rest


@any_file
def test_what_python_reads_is_looked_at_by_the_rules(name: str) -> None:
    text = decoded(FILES[name])
    (hit,) = check_source("m.py", text)
    lines = ast.unparse(ast.parse(FILES[name]))  # Python itself reads the bytes
    assert "dropout" in lines
    assert "F.dropout" in text.split("\n")[hit.start_line - 1]
    assert unseen_by_rules(text) == ""


@any_file
def test_a_patch_keeps_every_other_byte(tmp_path: Path, name: str) -> None:
    (tmp_path / "m.py").write_bytes(FILES[name])
    edit = Edit(path="m.py", old="    return F.dropout(x, 0.5)", new="    return F.dropout(x, 0.1)")
    apply_to_files(tmp_path, _proposal(edit))
    assert (tmp_path / "m.py").read_bytes() == FILES[name].replace(b"0.5", b"0.1")
    programs = Programs.open(tmp_path)
    tree = programs.snapshot().tree
    child = programs.with_files(tree, apply_edits(programs.sources(tree), _back(edit)))
    programs.check_out(child, tmp_path / "out")
    assert (tmp_path / "out" / "m.py").read_bytes() == FILES[name]


@any_file
def test_a_recipe_keeps_every_other_byte(name: str) -> None:
    text = decoded(FILES[name])
    source = code.parse("m.py", text)
    (call,) = [call for call in source.all_of(code.cst.Call) if code.call_name(call) == "dropout"]
    edits = code.rewrite(source, {call: [code.cst.Name("x")]})
    after = apply_edits({"m.py": text}, edits)["m.py"]
    assert encoded(after) == FILES[name].replace(b"F.dropout(x, 0.5)", b"x")


@any_file
def test_the_text_that_an_editor_shows_is_known_as_the_stored_one(name: str) -> None:
    text = decoded(FILES[name])
    shown = text.removeprefix(MARK)
    assert has_blob(shown, blob_hash(text), {})
    assert has_blob(shown, blob_hash(text), {blob_hash(text): text})
    assert MARK not in numbered(text)


def test_a_character_that_the_file_cannot_hold_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_bytes(FILES["latin-1"])
    edit = Edit(path="m.py", old="    return F.dropout(x, 0.5)", new="    return x  # \u2192")
    with pytest.raises(EditError, match="the encoding of this file does not have"):
        apply_to_files(tmp_path, _proposal(edit))
    assert (tmp_path / "m.py").read_bytes() == FILES["latin-1"]


@pytest.mark.parametrize("name", NO_PYTHON)
def test_what_python_does_not_read_concerns_its_own_file_alone(name: str) -> None:
    text = decoded(NO_PYTHON[name])
    fault = parse(text)
    assert isinstance(fault, Unparsed)
    assert fault.hurdle is Hurdle.SYNTAX
    assert check_source("m.py", text) == []
    assert encoded(text) == NO_PYTHON[name]


@any_depth
def test_code_that_is_nested_deeply_is_named_and_costs_no_other_file_its_rules(name: str) -> None:
    text, started = DEEP[name], time.monotonic()
    assert "nested too deeply" in unseen_by_rules(text)
    assert check_source("m.py", text) == []
    assert statement_range(text, 1) == (1, 1)
    assert outline(text).endswith("lines")
    assert find_entry("def x():\n" + text + "def x():\n", "x") == 0
    assert normal_form({"m.py": text}) != normal_form({"m.py": text + "y = 1\n"})
    judge({"m.py": ""}, {"m.py": text}, SmokeRun(executed={}, stopped=()))
    assert make_edits("m.py", text, text + "y = 1\n")
    with pytest.raises(DoesNotFit, match="nested too deeply"):
        code.parse("m.py", text)
    context = RecipeContext(sources={"deep.py": text, "m.py": CARELESS}, facts=Facts(n_users=2, n_items=2))
    assert [source.path for source in code.parse_all(context)] == ["m.py"]
    assert time.monotonic() - started < 30.0


def test_code_within_the_limit_of_depth_is_looked_at() -> None:
    assert parsed("x = " + "+".join("a" * (DEEPEST - 10))) is not None
    assert isinstance(parse("x = " + "+".join("a" * (DEEPEST + 10))), Unparsed)


def test_a_patch_that_nests_too_deeply_is_refused_before_it_is_tried() -> None:
    tried = check(
        {"m.py": "x = 1\n"}, {"m.py": DEEP["parentheses"]}, lambda changed: pytest.fail("it was tried")
    )
    assert tried.problem is not None
    assert "m.py:1" in tried.problem.message


def tried(executed: list[int]) -> Trial:
    """A smoke trial in which these lines of m.py ran."""
    config = Config(
        recommender=RecommenderSection(entry="model:build"), data=DataSection(source="shop-micro")
    )
    key = trial_key(config, program="0" * 40, data="0" * 16, seed=0, device="cpu/1")
    note = {"executed": {"m.py": executed}, "stopped": []}
    return Trial(id="t", key=key, status=TrialStatus.COMPLETE, created_at=0.0, wall_s=1.0, note=note)


@pytest.mark.process
@pytest.mark.parametrize("text", LATER)
def test_a_patch_is_judged_by_the_interpreter_that_runs_the_repo(tmp_path: Path, text: str) -> None:
    """Its syntax, and whether it runs at all; an attribute that only such a file reads is read."""
    later = for_interpreter(stand_in(tmp_path))
    before, after = {"m.py": "x = 1\n"}, {"m.py": text + "x = 2\n"}
    if parsed(text) is None:
        refused = check(before, after, lambda files: pytest.fail("it was tried"))
        assert refused.problem is not None and refused.problem.rung is Rung.PARSE
        dead = check(before, after, lambda files: tried([]), later)
        assert dead.problem is not None and "no changed line of m.py ran" in dead.problem.message
    assert check(before, after, lambda files: tried([1, text.count("\n") + 1]), later).problem is None
    broken = check(before, {"m.py": text + "x = = 1\n"}, lambda files: pytest.fail("it was tried"), later)
    assert broken.problem is not None and f"m.py:{text.count(chr(10)) + 1}" in broken.problem.message
    sets = "class M:\n    def __init__(self):\n        self.used = 1\n"
    files = {"a.py": "", "m.py": text + "print(model.used)\n"}
    run = SmokeRun(executed={"a.py": frozenset({1, 2, 3})}, stopped=())
    assert judge(files, {**files, "a.py": sets}, run).refusal == ""


@pytest.mark.process
@pytest.mark.parametrize("how", ["os.kill(os.getpid(), signal.SIGSEGV)", "print('{', end='')", "sys.exit(3)"])
async def test_a_process_of_rules_that_dies_is_survived_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    entry = tmp_path / "entry.py"
    entry.write_text(f"import os, signal, sys\n{how}\n")
    monkeypatch.setattr(rules, "ENTRY", entry)
    told = await rules.judge("m.py", CARELESS)
    assert (told.hits, "ended the process" in told.unseen) == ((), True)


def test_code_that_only_our_own_limits_refuse_is_no_failure_of_a_trial(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text("x = 0" + " + 1" * (DEEPEST + 50) + "\n")
    parse_reachable(tmp_path, "model:build", Path(sys.executable))


@pytest.mark.parametrize("name", ["sum", "parentheses", "minus"])
def test_code_that_python_cannot_compile_fails_its_trial_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / "model.py").write_text("import deep\n")
    (tmp_path / "deep.py").write_text(DEEP[name])
    with pytest.raises(TrialFailed, match=r"deep\.py is not valid Python"):
        parse_reachable(tmp_path, "model:build", Path(sys.executable))


@pytest.mark.parametrize("name", FILES)
def test_every_encoding_passes_the_first_rung(tmp_path: Path, name: str) -> None:
    (tmp_path / "model.py").write_bytes(FILES[name])
    parse_reachable(tmp_path, "model:build", Path(sys.executable))


@pytest.mark.process
@pytest.mark.parametrize("text", LATER)
def test_syntax_of_a_later_python_is_judged_by_that_python(tmp_path: Path, text: str) -> None:
    """The interpreter is a stand-in: our own, which says that it is later and takes what tests/adversarial/later_python.py lists."""
    program = tmp_path / "program"
    program.mkdir()
    (program / "model.py").write_text(text)
    parse_reachable(program, "model:build", stand_in(tmp_path))
    (program / "model.py").write_text(text + "def (\n")
    with pytest.raises(TrialFailed) as failed:
        parse_reachable(program, "model:build", stand_in(tmp_path))
    assert failed.value.failure.line == text.count("\n") + 1


@pytest.mark.parametrize("version", [(3, 12), (3, 13), (3, 14)])
def test_a_real_later_python_judges_its_own_syntax(version: tuple[int, int]) -> None:
    found = shutil.which(f"python{version[0]}.{version[1]}") or "none"
    asked = [found, "-c", "import sys; print(sys.executable)"]
    if found == "none" or version <= sys.version_info[:2] or subprocess.run(asked, check=False).returncode:
        pytest.skip(f"there is no Python {version} here that is later than this one")
    real = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    interpreter = Interpreter(executable=Path(real), version=version, prefixes=())
    fault = Unparsed(hurdle=Hurdle.SYNTAX, message="ours")
    assert judged(interpreter, "type X = list[int]\nprint(f'{'a'}')\n", fault) is None
    theirs = judged(interpreter, "type X = (\n", fault)
    assert theirs is not None
    assert theirs.message.startswith("syntax error")


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", MARK])
def test_a_config_is_read_with_any_mark_and_ends(tmp_path: Path, mark: str, ending: str) -> None:
    text = '[recommender]\nentry = "m:build"\n[data]\nsource = "shop-micro"\n[training]\nseed = 3\n'
    (tmp_path / "evolverec.toml").write_bytes((mark + text.replace("\n", ending)).encode())
    assert read_config(tmp_path).training.seed == 3


@pytest.mark.parametrize(
    "key",
    [
        *(f"timeout_s = {value}" for value in ("inf", "nan", "1e300", "-1", "0", "true", '"3"', "[3]")),
        *(f"memory_gb = {value}" for value in ("inf", "-inf", "1e300", "true", "0x" + "f" * 4000)),
        *(f"max_epochs = {value}" for value in ("true", "3.0", "0", "1" + "0" * 40, '"3"')),
        *(f"{name} = 9223372036854775808" for name in ("patience", "eval_every", "seed")),
    ],
)
def test_a_number_out_of_its_range_is_named_with_its_line_and_range(key: str) -> None:
    text = f'[recommender]\nentry = "m:build"\n[data]\nsource = "shop-micro"\n[training]\n{key}\n'
    ((line, message),) = config_problems(text)
    assert line == 6
    assert message.startswith(f"training.{key.split()[0]}: expected ")
    assert " Expected: " in message
    assert len(message) < 400


@pytest.mark.parametrize("expression", ["1e999*HR@5", "HR@" + "9" * 5000, "-1e400*HR@5", "(" * 9000])
def test_an_objective_that_is_no_number_is_refused_in_a_few_words(expression: str) -> None:
    text = f'[recommender]\nentry = "m:build"\n[data]\nsource = "shop-micro"\n[objective]\nexpression = "{expression}"\n'
    ((line, message),) = config_problems(text)
    assert line == 6
    assert message.startswith("objective.expression: ")
    assert len(message) < 600


def _proposal(edit: Edit) -> Proposal:
    return Proposal(
        id="p",
        idea=Idea(code="c", title="t", rationale="", addresses=(), rests_on=(), proposer="recipe"),
        patch=Patch(base="0" * 40, edits=(edit,)),
        parent="0" * 40,
        child="1" * 40,
        trials=(),
        verified=Verified.NO,
        effect=None,
    )


def _back(edit: Edit) -> list[Edit]:
    return [Edit(path=edit.path, old=edit.new, new=edit.old)]


@pytest.mark.parametrize("text", ["X = 1\n" * 300_000, "1;" * 400_000, f"X = [{'1,' * 500_000}]\n"])
def test_a_file_of_very_many_words_is_not_parsed_and_is_named(text):
    """A syntax tree of 2 MB of such text takes more than a gigabyte."""
    fault = parse(text)
    assert (
        isinstance(fault, Unparsed) and fault.hurdle is Hurdle.LENGTH and "words and signs" in fault.message
    )


def test_a_long_text_of_few_words_is_parsed():
    assert parsed(f"X = '{'x' * 1_000_000}'\n") is not None

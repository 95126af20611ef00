"""What is tuned of a program and what is left, on repos in several styles, none of which was written for it."""

from pathlib import Path

import pytest

from evolution.base.paths import matches
from evolution.tuning.kinds import Kind
from evolution.tuning.space import FILES, find_space
from tests.conftest import ROOT

FOREIGN, DEFECTS, SEEDS = (
    ROOT / "tests" / "foreign",
    ROOT / "tests" / "defects" / "repos",
    ROOT / "seeds" / "repos",
)
USUAL = ("*.py",)


def files_of(folder: Path) -> dict[str, str]:
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    named = {path.relative_to(folder).as_posix(): path for path in paths}
    return {name: path.read_text(encoding="utf-8") for name, path in named.items() if matches(name, FILES)}


def space_of(sources, entry="main:build", editable=USUAL, executed=None):
    return find_space(sources, entry=entry, editable=editable, executed=executed)


def tuned(space) -> dict[Kind, list[str]]:
    found: dict[Kind, list[str]] = {}
    for one in space.dimensions:
        found.setdefault(one.kind, []).append(one.name)
    return found


def why(space, name: str) -> str:
    (said,) = {one.why for one in space.left if one.number.name == name}
    return said


@pytest.mark.parametrize(
    ("folder", "entry", "editable", "expected"),
    [
        (SEEDS / "sasrec", "recommender:build", USUAL, {"learning rate", "dropout", "batch size", "width"}),
        (SEEDS / "ncf", "recommender:build", USUAL, {"learning rate", "number of negatives", "width"}),
        (FOREIGN / "sasrec_script", "adapter:build", USUAL, {"learning rate", "dropout", "number of heads"}),
        (FOREIGN / "gsasrec", "train:build", USUAL, {"number of negatives", "dropout", "width"}),
        (FOREIGN / "lightgcn", "code.main:build", USUAL, {"learning rate", "weight decay", "width"}),
        (FOREIGN / "mf_numpy", "mf:build", USUAL, {"weight decay", "width"}),
        (FOREIGN / "frames", "train:build", USUAL, {"temperature", "learning rate", "batch size"}),
        (FOREIGN / "hf_sequence", "run_train:build", USUAL, {"share of masked items", "learning rate"}),
        (
            FOREIGN / "packages",
            "shoptrain.cli:x",
            ("*.py", "*.toml"),
            {"learning rate", "number of negatives"},
        ),
        (FOREIGN / "recbole_custom", "run:x", ("*.py", "*.yaml"), {"learning rate", "dropout", "batch size"}),
        (DEFECTS / "gru_parameters", "shop_model:build", USUAL, {"learning rate", "dropout", "width"}),
        (DEFECTS / "factory_bpr", "main:build", USUAL, {"learning rate", "weight decay"}),
        (DEFECTS / "graph_mf", "lightgcn:build", USUAL, {"learning rate"}),
    ],
    ids=lambda value: value.name if isinstance(value, Path) else "",
)
def test_the_main_numbers_of_repos_in_other_styles_are_tuned(folder, entry, editable, expected):
    space = space_of(files_of(folder), entry, editable)
    assert expected <= {kind.value for kind in tuned(space)}
    for one in space.dimensions:
        assert one.range.holds(one.value) and not (one.range.choices and len(one.range.choices) < 2)
    forbidden = ("seed", "epoch", "topk", "top_k", "patience", "maxlen", "max_len", "test")
    assert not [one.name for one in space.dimensions if any(word in one.name.lower() for word in forbidden)]


def test_a_settings_file_outside_of_the_editable_ones_is_named_with_what_to_add():
    sources = files_of(FOREIGN / "recbole_custom")
    space = space_of(sources, "run:build")
    said = {one.number.path: one.why for one in space.left if one.number.name == "train_batch_size"}
    assert said["config/shop.yaml"].endswith('add "config/shop.yaml" and it is tuned')
    assert said["config/shop_benchmark.yaml"] == "no code that the entry reaches names this file"
    assert not any(one.numbers[0].path.endswith(".yaml") for one in space.dimensions)


SETTINGS = """\
from dataclasses import dataclass

@dataclass
class Settings:
    dim: int = 64
    hidden: int = 64
    n_heads: int = 2
    dropout: float = 0.1
    weight_decay: float = 0.0
    margin: float = 0.5
    smoothing: int = 0
"""
BUILD = """\
from settings import Settings

def build(data, *, device, seed):
    s = Settings(dropout=0.3)
    return Model(s.dim, s.hidden, s.n_heads, s.dropout, s.weight_decay, s.smoothing)
"""


def test_numbers_that_are_given_elsewhere_or_never_read_are_left():
    space = space_of({"main.py": BUILD, "settings.py": SETTINGS})
    assert why(space, "Settings.dropout") == "every call of Settings gives its own value"
    assert why(space, "Settings.margin") == "nothing reads it"
    assert "whole numbers" in why(space, "Settings.smoothing")
    assert tuned(space)[Kind.DROPOUT] == ["Settings(dropout=)"]


def test_files_that_the_entry_does_not_reach_are_left():
    space = space_of({"main.py": BUILD, "settings.py": SETTINGS, "other.py": "LR = 0.1\nprint(LR)\n"})
    assert why(space, "LR") == "no code that the entry reaches imports this file"


def test_a_program_that_is_named_as_a_module_is_reached_with_the_settings_it_names():
    sources = {
        "adapter.py": 'def build(data):\n    return run("tool.cli:main")\n',
        "src/tool/cli.py": 'def main(path="configs/small.toml"):\n    return load(path)["train"]["lr"]\n',
        "configs/small.toml": "[train]\nlr = 0.01\n",
        "configs/large.toml": "[train]\nlr = 0.02\n",
    }
    space = space_of(sources, "adapter:build", ("*.py", "*.toml"))
    assert [(one.name, one.value) for one in space.dimensions] == [("train.lr", 0.01)]
    assert why(space, "train.lr") == "no code that the entry reaches names this file"


def test_what_the_traced_training_did_not_run_is_left():
    text = "def build(data):\n    opt(lr=0.1)\n\ndef unused():\n    opt(lr=0.3)\n"
    space = space_of({"main.py": text}, executed={"main.py": [2]})
    assert [one.value for one in space.dimensions] == [0.1]
    assert {one.number.line: one.why for one in space.left} == {5: "no line of the traced training ran here"}


def test_equal_widths_move_together_and_heads_divide_them():
    space = space_of({"main.py": BUILD, "settings.py": SETTINGS})
    (width,) = (one for one in space.dimensions if one.kind is Kind.WIDTH)
    (heads,) = (one for one in space.dimensions if one.kind is Kind.HEADS)
    assert [number.name for number in width.numbers] == ["Settings.dim", "Settings.hidden"]
    assert all(w % h == 0 for w in width.range.choices for h in heads.range.choices)


@pytest.mark.parametrize("words", ['"--lr", "0.01"', '"--seed=7", "--lr=0.01"'])
def test_a_command_line_in_the_adapter_overrules_the_default_of_its_option(words):
    adapter = f'def build(data):\n    return run("train.py", [{words}])\n'
    script = 'p.add_argument("--lr", default=0.1, type=float)\np.add_argument("--dropout", default=0.1)\nuse(args.lr, args.dropout)\n'
    space = space_of({"main.py": adapter, "train.py": script})
    assert {one.name: one.value for one in space.dimensions} == {"--lr": 0.01, "--dropout": 0.1}
    assert why(space, "--lr") == "main.py:2 gives the value"


def test_a_switch_is_no_dropout_and_a_group_without_decay_stays_so():
    text = (
        'p.add_argument("--dropout", type=int, default=0)\n'
        "def build(data):\n"
        '    return adamw([{"params": a, "weight_decay": 0.0}], args.dropout)\n'
    )
    space = space_of({"main.py": text})
    assert not space.dimensions
    told = space_of({"main.py": text.replace("args.dropout", 'run(["--dropout=0"])')})
    assert not told.dimensions
    assert "keeps a group" in why(space, '"weight_decay"') and "whole numbers" in why(space, "--dropout")


def test_the_scoring_of_a_program_is_not_tuned():
    text = "def build(data):\n    return fit(batch_size=32)\n\ndef evaluate(model):\n    return loader(batch_size=64)\n"
    space = space_of({"main.py": text})
    assert [one.value for one in space.dimensions] == [32]
    assert [one.why for one in space.left] == ["evaluate evaluates or answers, and does not train"]


def test_classes_that_evaluate_are_not_tuned_either():
    text = "class Evaluator:\n    def __init__(self, batch_size=64):\n        use(batch_size, n_layers=2)\n\ndef build(data):\n    return Evaluator()\n"
    space = space_of({"main.py": text})
    assert not space.dimensions
    assert {one.number.word for one in space.left} == {"batch_size", "n_layers"}


def test_only_the_roles_that_matter_most_are_tuned_at_once():
    names = (
        "lr",
        "dropout",
        "weight_decay",
        "temperature",
        "margin",
        "momentum",
        "label_smoothing",
        "init_std",
        "grad_clip",
        "batch_size",
    )
    text = (
        "".join(f"{name} = 0.3\n" for name in names[:-1]) + "batch_size = 32\nuse(" + ", ".join(names) + ")\n"
    )
    space = space_of({"main.py": text})
    assert len(space.dimensions) == 8
    assert {one.number.name for one in space.left} == {"momentum", "grad_clip"}

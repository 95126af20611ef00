"""Anchors stand on the lines that cause things, whatever the repo calls them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from diagnosis.findings import Role, Site
from diagnosis.loss_kinds import loss_kind
from diagnosis.roles import find_sites

N_ITEMS = 300
HERE = Path(__file__).parent
Traced = Callable[[Path, str], tuple[dict[str, Any], dict[str, str], list[Site]]]
REPOS = {
    "gru_parameters": ("shop_model", "softmax"),
    "factory_bpr": ("main", "pairwise"),
    "pooled_numpy": ("bag", "sigmoid"),
    "graph_mf": ("lightgcn", "pairwise"),
}


def first(sites: list[Site], role: Role) -> Site | None:
    return next((site for site in sites if site.role is role), None)


def marks(sources: dict[str, str]) -> list[tuple[str, int, str]]:
    found = []
    for path, text in sources.items():
        for number, line in enumerate(text.split("\n"), start=1):
            if "# role: " in line:
                found.append((path, number, line.rpartition("# role: ")[2].strip()))
    return found


@pytest.mark.parametrize("repo", REPOS)
def test_every_role_stands_on_its_marked_line(traced: Traced, repo: str) -> None:
    trace, sources, sites = traced(HERE / "repos" / repo, REPOS[repo][0])
    assert trace["error"] == ""
    assert trace["steps"] == 2
    wrong = []
    for path, line, role in marks(sources):
        site = first(sites, Role(role))
        if site is None or site.path != path or not site.start_line <= line <= site.end_line:
            wrong.append((path, line, role, site))
    assert wrong == []


@pytest.mark.parametrize("repo", REPOS)
def test_the_kind_of_loss_is_read_from_the_trace(traced: Traced, repo: str) -> None:
    trace, _, _ = traced(HERE / "repos" / repo, REPOS[repo][0])
    assert loss_kind(trace) == REPOS[repo][1]


def test_a_whole_statement_is_one_range(traced: Traced) -> None:
    _, sources, sites = traced(HERE / "repos" / "gru_parameters", "shop_model")
    table = first(sites, Role.ITEM_TABLE)
    assert table is not None
    lines = sources[table.path].split("\n")[table.start_line - 1 : table.end_line]
    assert lines[0].strip().startswith("self.catalogue")
    assert lines[-1].strip() == ")"


def test_facts_for_recipes_are_in_the_detail(traced: Traced) -> None:
    _, _, sites = traced(HERE / "repos" / "factory_bpr", "main")
    table, negatives, optimizer = (first(sites, r) for r in (Role.ITEM_TABLE, Role.NEGATIVES, Role.OPTIMIZER))
    assert table is not None
    assert negatives is not None
    assert optimizer is not None
    assert table.detail["shape"] == [301, 16]
    assert table.detail["module"] == "Embedding"
    assert negatives.detail["shape"][-1] == 3
    assert optimizer.detail["defaults"]["weight_decay"] == 0.01


def test_the_seed_is_placed(traced: Traced) -> None:
    root = HERE.parents[1] / "seeds" / "repos" / "sasrec"
    trace, sources, sites = traced(root, "recommender")
    assert loss_kind(trace) == "sigmoid"
    expected = {
        Role.ITEM_TABLE: "nn.Embedding(",
        Role.LOSS: "binary_cross_entropy_with_logits",
        Role.NEGATIVES: "randint",
        Role.LOADER: "randperm",
        Role.CAUSAL_MASK: "tril",
        Role.SCORING: "@",
        Role.OPTIMIZER: "optim",
        Role.INITIALIZATION: "normal_",
    }
    for role, text in expected.items():
        site = first(sites, role)
        assert site is not None, role
        assert text in "\n".join(sources[site.path].split("\n")[site.start_line - 1 : site.end_line]), role


def test_a_trace_is_small_plain_json(traced: Traced) -> None:
    trace, _, _ = traced(HERE / "repos" / "factory_bpr", "main")
    assert len(json.dumps(trace, allow_nan=False)) < 200_000


def test_a_script_behind_an_adapter_is_placed_in_the_script(traced: Traced) -> None:
    root = HERE.parent / "foreign" / "sasrec_script"
    trace, sources, sites = traced(root, "adapter")
    assert trace["error"] == ""
    expected = {
        Role.ITEM_TABLE: "self.emb = ",
        Role.POSITION_TABLE: "self.pos = ",
        Role.LOSS: "loss = bce(",
        Role.NEGATIVES: "randrange",  # drawn by Python's own random: no torch call shows it
        Role.CAUSAL_MASK: "torch.triu",
        Role.LOADER: "for _ in range(usernum",
        Role.SCORING: "matmul",
        Role.OPTIMIZER: "self.adam = ",
    }
    for role, text in expected.items():
        site = first(sites, role)
        assert site is not None, role
        assert text in sources[site.path].split("\n")[site.start_line - 1], role


def test_without_a_trace_sites_are_coarse_and_say_so() -> None:
    text = "from torch import nn\nimport torch.nn.functional as F\ntable = nn.Embedding(9, 4)\nF.cross_entropy(a, b)\n"
    sites = find_sites({}, {"m.py": text}, N_ITEMS)
    assert {(s.role, s.start_line) for s in sites} >= {(Role.ITEM_TABLE, 3), (Role.LOSS, 4), (Role.ENTRY, 1)}
    assert all(site.detail["coarse"] for site in sites)

"""The page of `evolverec report`, the same in a terminal's file and in an editor's panel."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evolution.base.amounts import signed
from server.report.lineage import lineage
from server.report.pages import render
from server.report.trials_plot import trials_plot
from server.shown.session_words import EXPLAINED, LEFT_WORDS, LISTENING, RECOMMENDERS
from simulator.critiques import CHANCE

LEADING = (
    "NDCG@10",
    "HR@10",
    "NDCG@5",
    "HR@5",
    "MRR@10",
    "coverage@10",
    "gini@10",
    "novelty@10",
    "diversity@10",
    "satisfy@session",
    "view@session",
    "depth@session",
)


def own_page(repo: Path) -> Path:
    """The page's default path, in `.evolverec`, so that no file of the repo itself is touched."""
    from evolution.repo.ownership import ensure_store_folder

    return ensure_store_folder(repo) / "report.html"


def repo_page(document: Mapping[str, Any]) -> str:
    """One HTML file made from the document of `report`."""
    tried = document["tried"]
    best = document["best"]
    return render(
        "repo.html",
        document=document,
        metrics=_metrics(document["version"], best["trial"] if best else None),
        changes=_changes(best),
        plot=trials_plot(tried) if len(tried) > 1 else None,
        lineage=lineage(tried),
        diff=[(_kind(line), line) for line in best["patch"].splitlines()] if best else [],
        elsewhere=bool(best) and all(row["proposal"] != best["id"] for row in tried),
        chance=CHANCE,
        session_words={
            "left": LEFT_WORDS,
            "recommenders": RECOMMENDERS,
            "explained": EXPLAINED,
            "listening": LISTENING,
        },
    )


def _metrics(version: Mapping[str, Any] | None, patched: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Rows of name, the user's figure, the patched version's figure and the change in words ("" without one); the objective first."""
    if version is None:
        return []
    then, now = ({"objective": t["objective"], **t["metrics"]} if t else {} for t in (version, patched))
    return [
        {
            "name": name,
            "before": then[name],
            "after": now.get(name),
            "change": _change(then[name], now.get(name)),
        }
        for name in ("objective", *LEADING)
        if then.get(name)
    ]


def _change(before: Mapping[str, Any], after: Mapping[str, Any] | None) -> str:
    """What one trial has more than another: `+.108`; its interval, over paired users and all seeds, stands at the best patch."""
    if after is None or None in (before["value"], after["value"]):
        return ""
    return signed(after["value"] - before["value"])


def _changes(best: Mapping[str, Any] | None) -> list[tuple[str, Mapping[str, Any]]]:
    """(name, effect) of the best patch: the objective first, then each metric that was compared."""
    named = {"objective": best["effect"], **best["effects"]} if best else {}
    return [(name, effect) for name, effect in named.items() if effect]


def _kind(line: str) -> str:
    """The CSS class for the background of a line of a unified diff."""
    if line.startswith(("+++", "---", "diff ", "index ", "@@")):
        return "head"
    return {"+": "add", "-": "del"}.get(line[:1], "")

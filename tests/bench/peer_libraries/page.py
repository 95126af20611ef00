"""docs/results/peers.md: the tables of what stands in docs/results/peers-*.json."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HEAD = """# The seeds beside RecBole 1.2.1 and RecTools 0.19

Written by `python tests/bench/peers.py`, whose first lines say how to repeat a table. Both sides have the seed's settings and the
same torch; a peer runs in an environment of its own. NDCG@10 on test, full ranking of unseen items, leave-last-two-out in
time order with file order within ties; the peers' scores are ranked by our metrics.
"""


def stored(path: Path) -> dict[str, Any]:
    """What a result file says; {} where there is none."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def write(results: Path) -> None:
    """Write peers.md beside the results."""
    parts = [HEAD]
    for path in sorted(results.glob("peers-*.json")):
        found = stored(path)
        parts.append("\n".join(_accuracy(found) if "matches" in found else _speed(found)) + "\n")
    (results / "peers.md").write_text("\n".join(parts), encoding="utf-8")


def _accuracy(found: dict[str, Any]) -> Iterator[str]:
    yield f"## {found['data']} ({found['date']}, commit {found['commit']})\n"
    yield "Training ends after as many epochs without gain on validation as `patience` says.\n"
    yield "| seed | ours | peer | | difference | lower bound >= -3 % | training seeds | patience |"
    yield "|---|---|---|---|---|---|---|---|"
    for name, match in found["matches"].items():
        peer, relative = match["peer"], match["relative"]
        change = f"{relative['value']:+.1%} [{relative['low']:+.1%}, {relative['high']:+.1%}]"
        holds = "yes" if match["holds"] else "no"
        how = f"{match['training_seeds']} | {match['patience']}"
        both = (
            f"{_figure(match['ours']['test'])} | {_figure(peer['test'])} | {peer['library']} {peer['model']}"
        )
        yield f"| {name} | {both} | {change} | {holds} | {how} |"
    beside = ", ".join(f"{name} {_figure(entry)}" for name, entry in found["references"].items())
    yield f"\nBeside them: {beside}."
    for name, match in found["matches"].items():
        if match["peer"]["note"]:
            yield f"\n{name}: {match['peer']['note']}."


def _figure(entry: dict[str, float]) -> str:
    return f"{entry['value']:.4f} [{entry['low']:.4f}, {entry['high']:.4f}]"


def _speed(found: dict[str, Any]) -> Iterator[str]:
    yield f"## Speed ({found['date']}, commit {found['commit']}, {found['machine']})\n"
    yield f"{found['what']}. {found['rounds']} rounds, alternately; median, and least to most of the rounds.\n"
    yield "| | positions/s | positions per CPU s | start to first batch, s |"
    yield "|---|---|---|---|"
    for name, pace in found["positions_per_s"].items():
        cpu, first = found["positions_per_cpu_s"][name], found["start_to_first_batch_s"][name]
        note = found["notes"].get(name)
        label = f"{name} ({note})" if note else name
        yield f"| {label} | {_range(pace)} | {_range(cpu)} | {first} |"
    yield "\n| ratio | by wall time | by processor time |"
    yield "|---|---|---|"
    for name, ratio in found["ratios"].items():
        yield f"| {name} | {_times(ratio['wall_s'])} | {_times(ratio['cpu_s'])} |"
    for name, seconds in found["ranking_s"].items():
        told = ", ".join(
            f"{what.removesuffix('_s').replace('_', ' ')} in {value} s" for what, value in seconds.items()
        )
        yield f"\nRanking all test users, {name}: {told}."


def _range(entry: dict[str, float]) -> str:
    return f"{entry['median']:,.0f} ({entry['least']:,.0f} to {entry['most']:,.0f})"


def _times(entry: dict[str, float]) -> str:
    return f"{entry['median']:.2f} ({entry['least']:.2f} to {entry['most']:.2f})"

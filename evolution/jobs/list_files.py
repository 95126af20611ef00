"""Writes recommendations as a file: a row for each user and place, in JSON lines a line for each user."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from evolution.base.errors import UsageError
from evolution.base.new_files import write_new
from seeds.interactions import Float32, Int64

SUFFIXES = (".parquet", ".csv", ".jsonl")


@dataclass(frozen=True, kw_only=True, eq=False)
class Recommendations:
    """users: (Q,) ids of the log. item_names: id of ours -> id of the log. items, scores: (Q, k), best first, item 0 where
    fewer exist."""

    users: Sequence[str]
    item_names: Sequence[str]
    items: Int64
    scores: Float32

    def lists(self) -> Iterator[tuple[str, list[str], list[float]]]:
        """Each user with the items and scores of his list, best first."""
        for user, items, scores in zip(self.users, self.items, self.scores, strict=True):
            filled = items > 0
            yield user, [self.item_names[int(item)] for item in items[filled]], scores[filled].tolist()


def check_suffix(out: Path) -> None:
    """Raises UsageError: no format that is written here."""
    if out.suffix.lower() not in SUFFIXES:
        raise UsageError(f"--out {out}: expected a name that ends with {', '.join(SUFFIXES)}")


def write_lists(out: Path, said: Recommendations, *, force: bool) -> int:
    """Write the file whole or not at all; how many recommendations it holds. Raises UsageError, OSError."""
    check_suffix(out)
    rows = [
        (user, place, item, score)
        for user, items, scores in said.lists()
        for place, (item, score) in enumerate(zip(items, scores, strict=True), start=1)
    ]
    if out.suffix.lower() == ".jsonl":
        write_new(out, lambda draft: _write_lines(draft, said), force=force)
    else:
        write_new(out, lambda draft: _write_table(draft, rows, out.suffix.lower()), force=force)
    return len(rows)


def _write_table(draft: Path, rows: list[tuple[str, int, str, float]], suffix: str) -> None:
    import polars as pl

    schema = {"user": pl.String, "rank": pl.Int32, "item": pl.String, "score": pl.Float32}
    table = pl.DataFrame(rows, schema=schema, orient="row")
    if suffix == ".parquet":
        table.write_parquet(draft)
    else:
        table.write_csv(draft)


def _write_lines(draft: Path, said: Recommendations) -> None:
    with draft.open("w", encoding="utf-8") as file:
        for user, items, scores in said.lists():
            document = {"user": user, "items": items, "scores": scores}
            file.write(json.dumps(document, ensure_ascii=False) + "\n")

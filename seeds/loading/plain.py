"""A log of one's own: tables (CSV, TSV, JSON lines, Parquet) whose columns have usual names or are named in `[data.columns]`.

One file, plain or packed; or a folder or zip archive with one table, with the shards of one, or with one table for each
part of a split. Item columns stand in a table beside the log that is called like one of ITEM_FILES.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from seeds.errors import SourceError
from seeds.loading.format import Found, dataset
from seeds.loading.layout import SUFFIXES, is_table
from seeds.loading.members import Files, Member
from seeds.loading.options import PARTS, Options
from seeds.loading.progress import Progress

if TYPE_CHECKING:
    from seeds.loading.raw import RawLog

ITEM_FILES = (
    "item",
    "items",
    "itemfeatures",
    "iteminfo",
    "movies",
    "products",
    "books",
    "games",
    "articles",
    "meta",
    "metadata",
)
LOGS = (
    "interactions",
    "ratings",
    "events",
    "reviews",
    "transactions",
    "clicks",
    "views",
    "log",
    "inter",
    "data",
)
OTHER_FILES = ("users", "user", "userfeatures", "links", "tags", "readme", "genomescores", "genometags")
PART_WORDS: Mapping[str, int] = {
    **dict.fromkeys(("train", "training"), 0),
    **dict.fromkeys(("valid", "validation", "val", "dev"), 1),
    **dict.fromkeys(("test", "testing"), 2),
}
_SHARD = re.compile(r"-\d+-of-\d+(-[0-9a-f]+)?$")


def find(files: Files) -> Found | None:
    """The tables of a source: the one that is named, or those of its folder or archive."""
    if files.named is not None:
        if not is_table(files.named.name):
            return None
        logs = (files.named,)
    else:
        logs = _logs(files)
    if not logs:
        return None
    beside = _item_file(files, logs)
    members = (*logs, *((beside,) if beside else ()))
    return Found(members=members, read=lambda options, progress: read(files, logs, beside, options, progress))


def _logs(files: Files) -> tuple[Member, ...]:
    """Of a folder's tables those that may hold events."""
    tables = {name: member for name, member in files.members.items() if is_table(name)}
    no_log = (*ITEM_FILES, *OTHER_FILES)
    return tuple(member for name, member in tables.items() if _key(name) not in no_log)


def _item_file(files: Files, logs: tuple[Member, ...]) -> Member | None:
    tables = (member for name, member in files.members.items() if is_table(name) and member not in logs)
    return next((member for member in tables if _key(member.name) in ITEM_FILES), None)


def _key(name: str) -> str:
    return re.sub(r"[^a-z]", "", _stem(name).lower())


def _stem(name: str) -> str:
    return _SHARD.sub("", name.rpartition(".")[0])


def part_of(name: str) -> int | None:
    """The part of a split that a file's name speaks of: train.csv, Books.valid.csv, test-00000-of-00002.parquet."""
    words = re.split(r"[^a-z]+", _stem(name).lower())
    return next((PART_WORDS[word] for word in reversed(words) if word in PART_WORDS), None)


def read(
    files: Files, logs: tuple[Member, ...], beside: Member | None, options: Options, progress: Progress
) -> "RawLog":
    """The events of the tables, and the item columns beside them. Raises SourceError: several logs, or a broken one."""
    from seeds.loading.events import read_events, read_items

    chosen = _chosen(files, logs, options)
    raw = read_events(chosen, options, progress)
    if options.items is not None:
        beside = Member(path=options.items)
    return replace(raw, items=read_items(beside, options, progress)) if beside else raw


def _chosen(files: Files, logs: tuple[Member, ...], options: Options) -> list[tuple[Member, int | None]]:
    """Which tables hold events, and which part of the split each is."""
    if options.parts:
        return [(part_file(files, name, part), PARTS.index(part)) for part, name in options.parts.items()]
    parts = {member: part_of(member.name) for member in logs}
    if {0} < {part for part in parts.values() if part is not None}:
        _check_one_data_set(logs)
        known = [(member, part) for member, part in parts.items() if part is not None]
        return sorted(known, key=lambda entry: (entry[1], entry[0].name))
    if len(logs) == 1 or len({_stem(member.name) for member in logs}) == 1:
        return [(member, None) for member in logs]
    usual = [member for member in logs if _key(member.name) in LOGS or _stem(member.name) == files.folder]
    if len(usual) == 1:
        return [(usual[0], None)]
    raise SourceError(
        path=str(logs[0].path.parent if not logs[0].inner else logs[0].path),
        expected="one table of events, or one for each part of a split (train, valid, test)",
        found=", ".join(member.name for member in logs[:20]),
        next_step="Name the file in data.source, or the parts in [data.parts] of evolverec.toml.",
    )


def _check_one_data_set(logs: tuple[Member, ...]) -> None:
    """Books.train.csv and Games.test.csv do not belong together."""
    names = {_without_part(member.name) for member in logs if part_of(member.name) is not None}
    if len(names) > 1:
        raise SourceError(
            path=str(logs[0].path.parent),
            expected="the parts of one data set",
            found=", ".join(sorted(names)),
            next_step="Name the files of one in [data.parts] of evolverec.toml, or move it into a folder of its own.",
        )


def _without_part(name: str) -> str:
    words = re.split(r"[^a-z0-9]+", _stem(name).lower())
    return " ".join(word for word in words if word not in PART_WORDS)


def part_file(files: Files, name: str, part: str) -> Member:
    """The file that `[data.parts]` names. Raises SourceError where there is none."""
    own = name.rpartition("/")[2].removesuffix(".gz")
    if own in files.members:
        return files.members[own]
    raise SourceError(
        path=name,
        expected=f"the file that data.parts.{part} names, in {files.folder or 'the folder of data.source'}",
        found=", ".join(list(files.members)[:20]) or "no files",
        next_step=f"Correct data.parts.{part} in evolverec.toml.",
    )


FORMAT = dataset(
    name="tables",
    described="a table of events (CSV, TSV, JSON lines, Parquet, also packed) or a folder of them",
    suffixes=(*SUFFIXES, *(f"{suffix}.gz" for suffix in SUFFIXES if suffix not in (".parquet", ".pq"))),
    find=find,
)

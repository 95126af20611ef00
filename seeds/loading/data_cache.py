"""The `data_cache` folder of the paper's released code: JSON files that divide a log, with candidate lists for its 1+99 protocol.

train.json, valid.json and test.json are {"History": {user: [item, ...]}, "Time": {user: ["milliseconds", ...]}}; users and items
are numbers from 1, which id2user.json and id2item.json give names. As in the paper's loaders, a user's test event counts
only where the user has a validation event.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from seeds.errors import SourceError
from seeds.loading.format import Found, dataset
from seeds.loading.members import Files, Member, opened
from seeds.loading.options import PARTS, Options
from seeds.loading.progress import Progress
from seeds.reading import parse_json

if TYPE_CHECKING:
    import polars

    from seeds.loading.raw import RawLog

MOST_BYTES = 2 << 30
NAMES = ("id2user.json", "id2item.json")
CANDIDATES = {"validation_candidate.json": 1, "test_candidate.json": 2}
OTHERS = (*NAMES, "meta.json", "review.json", *CANDIDATES)


def find(files: Files) -> Found | None:
    """The three parts, and what else of OTHERS there is."""
    parts = [files.get(f"{part}.json") for part in PARTS]
    mapped = files.get("item2id.json", "id2item.json")
    if parts[1] is None or parts[2] is None or mapped is None or files.named not in (None, *parts):
        return None
    others = {name: member for name in OTHERS if (member := files.get(name))}
    members = (*(part for part in parts if part), *others.values())
    return Found(members=members, read=lambda options, progress: _read(parts, others, options, progress))


def _read(
    parts: list[Member | None], others: Mapping[str, Member], options: Options, progress: Progress
) -> "RawLog":
    import polars

    from seeds.loading.faults import Faults
    from seeds.loading.raw import RawLog

    present = [part for part in parts if part is not None]
    if parts[0] is None:
        raise SourceError(
            path=str(present[0].path.parent),
            expected="train.json beside valid.json and test.json",
            found="none",
            next_step="Make it with the released code, whose snapshot leaves it out.",
        )
    users, items = (_object(others[name], progress) if name in others else {} for name in NAMES)
    frames = [_events(member, place, users, items, progress) for place, member in enumerate(present)]
    asked = frames[1]["user"].unique()
    held_out = frames[2].filter(polars.col("user").is_in(asked.implode()))
    left_out = len(frames[2]) - len(held_out)
    events = polars.concat([frames[0], frames[1], held_out])
    candidates = {
        part: _lists(others[name], users, items, progress)
        for name, part in CANDIDATES.items()
        if name in others
    }
    note = f"{left_out:,} test events of users without a validation event are left out, as the paper's loaders do"
    return RawLog(
        events=events,
        files=tuple(member.shown for member in present),
        items=_items(others["meta.json"], items, progress) if "meta.json" in others else None,
        faults=Faults(rows=sum(map(len, frames))),
        notes=(note,) if left_out else (),
        candidates=candidates,
    )


def _events(
    member: Member, place: int, users: Mapping[str, Any], items: Mapping[str, Any], progress: Progress
) -> "polars.DataFrame":
    import polars

    whole = _object(member, progress)
    histories, times = whole.get("History"), whole.get("Time")
    if not isinstance(histories, dict) or not isinstance(times, dict):
        raise _unlike(
            member, '{"History": {...}, "Time": {...}}', ", ".join(list(whole)[:5]) or "an empty object"
        )
    rows: dict[str, list[Any]] = {"user": [], "item": [], "time": []}
    for user, history in histories.items():
        own = times.get(user)
        if not isinstance(history, list) or not isinstance(own, list) or len(own) != len(history):
            raise _unlike(member, f"as many times as items of user {user!r}", _length(history, own))
        rows["user"] += [str(users.get(user, user))] * len(history)
        rows["item"] += [str(items.get(str(item), item)) for item in history]
        rows["time"] += [str(moment) for moment in own]
    frame = polars.DataFrame(rows, schema=dict.fromkeys(rows, polars.String))
    progress.add(len(frame), 0)
    return frame.with_columns(
        line=polars.lit(0, polars.UInt32),
        file=polars.lit(place, polars.UInt16),
        part=polars.lit(place, polars.UInt8),
    )


def _length(history: Any, times: Any) -> str:
    counts = [len(found) if isinstance(found, list) else 0 for found in (history, times)]
    return f"{counts[0]} items and {counts[1]} times"


def _lists(
    member: Member, users: Mapping[str, Any], items: Mapping[str, Any], progress: Progress
) -> dict[str, tuple[str, ...]]:
    """User -> the candidates that the target is ranked among; the first of a list is the target itself."""
    return {
        str(users.get(user, user)): tuple(str(items.get(str(item), item)) for item in found)
        for user, found in _object(member, progress).items()
        if isinstance(found, list)
    }


def _items(member: Member, names: Mapping[str, Any], progress: Progress) -> "polars.DataFrame":
    """Facts; a store is followed by three blanks and the kind of article, and a price of "None" is none."""
    import polars

    columns: dict[str, list[Any]] = {"item": [], "title": [], "categories": [], "price": [], "store": []}
    for item, facts in _object(member, progress).items():
        known = facts if isinstance(facts, dict) else {}
        categories = known.get("categories")
        columns["item"].append(str(names.get(item, item)))
        columns["title"].append(str(known.get("title") or ""))
        columns["categories"].append(
            [str(name) for name in categories] if isinstance(categories, list) else []
        )
        columns["price"].append(str(known.get("price")))
        columns["store"].append(str(known.get("store") or "").partition("   ")[0])
    text, texts = polars.String, polars.List(polars.String)
    return polars.DataFrame(
        columns, schema={name: texts if name == "categories" else text for name in columns}
    )


def _object(member: Member, progress: Progress) -> dict[str, Any]:
    progress.begin(member.path)
    try:
        with opened(member) as stream:
            data = stream.read(MOST_BYTES)
        whole = parse_json(data)
    except (OSError, EOFError, ValueError) as error:
        raise _unlike(member, "a JSON object", str(error)) from error
    if not isinstance(whole, dict):
        raise _unlike(member, "a JSON object", f"a {type(whole).__name__}")
    progress.add(len(whole), len(data))
    return whole


def _unlike(member: Member, expected: str, found: str) -> SourceError:
    return SourceError(
        path=member.shown,
        expected=expected,
        found=found,
        next_step="Write the file again with the released code.",
    )


FORMAT = dataset(name="data_cache", described="the data_cache folder of the paper's released code", find=find)

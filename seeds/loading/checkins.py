"""Text files without a header that research repos pass on: check-ins (Gowalla, Brightkite), listening (Last.fm), LightGCN's
divided copies, and SASRec's two numbers on a line."""

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from seeds.errors import SourceError
from seeds.loading.format import Found, dataset
from seeds.loading.layout import OLD, Kind, Layout
from seeds.loading.members import Files, Member, first_bytes
from seeds.loading.options import Options
from seeds.loading.progress import Progress

if TYPE_CHECKING:
    import polars

    from seeds.loading.raw import RawLog

CHECKINS = ("loc-gowalla_totalCheckins.txt", "loc-brightkite_totalCheckins.txt")
CHECKIN = Layout(
    kind=Kind.DELIMITED, separator="\t", quoted=False, names=("user", "time", "latitude", "longitude", "item")
)
LISTENED = "userid-timestamp-artid-artname-traid-traname.tsv"
LISTENING = Layout(
    kind=Kind.DELIMITED,
    separator="\t",
    quoted=False,
    names=("user", "time", "item", "artist", "track", "track_name"),
)
PAIR = Layout(kind=Kind.DELIMITED, separator=" ", quoted=False, names=("user", "item"))
TABS = Layout(kind=Kind.DELIMITED, separator="\t", quoted=False, encodings=OLD)
NO_LISTENING_TIME = "counts of listening, without the time of any; no event is the last"
NO_ORDER = "a line for each user with items in no order"
_PAIRS = re.compile(rb"(?:\d+ \d+[ \t]*\r?\n)+")
_LISTS = re.compile(rb"(?:\d+(?: \d+)*\s*\n)+")


def find_checkins(files: Files) -> Found | None:
    """Check-ins, or listening events: user, time and place on each line."""
    for names, layout in ((CHECKINS, CHECKIN), ((LISTENED,), LISTENING)):
        log = files.log(*names)
        if log is not None:
            return Found(members=(log,), read=_reader(log, layout))
    return None


def _reader(log: Member, layout: Layout):
    def read(options: Options, progress: Progress) -> "RawLog":
        return _read(log, layout, progress)

    return read


def _read(log: Member, layout: Layout, progress: Progress) -> "RawLog":
    from seeds.loading.events import Source, read_sources

    wanted = {name: name for name in ("user", "item", "time") if name in layout.names}
    return read_sources([Source(member=log, layout=layout, wanted=wanted)], progress)


def find_lastfm(files: Files) -> Found | None:
    """Last.fm of HetRec 2011: how often a user listened to an artist, and never when."""
    log, artists = files.log("user_artists.dat"), files.get("artists.dat")
    if log is None:
        return None
    members = (log, *((artists,) if artists else ()))
    return Found(members=members, read=lambda options, progress: _read_lastfm(members, progress))


def _read_lastfm(members: tuple[Member, ...], progress: Progress) -> "RawLog":
    from seeds.loading.events import Source, read_item_columns, read_sources

    wanted = {"user": "userID", "item": "artistID", "rating": "weight"}
    raw = read_sources([Source(member=members[0], layout=TABS, wanted=wanted)], progress)
    raw = replace(raw, timeless=NO_LISTENING_TIME)
    if len(members) < 2:
        return raw
    return replace(raw, items=read_item_columns(members[1], TABS, {"item": "id", "title": "name"}, progress))


def find_pairs(files: Files) -> Found | None:
    """SASRec's files: "user item" on each line, a user's events in the order of time."""
    log = files.named  # a folder is not searched: many a text file is no log
    if log is None or not log.name.endswith(".txt") or not _all_pairs(log):
        return None

    def read(options: Options, progress: Progress) -> "RawLog":
        note = "events have no time; the order of the lines is taken for the order of events"
        return replace(_read(log, PAIR, progress), timeless="in order", notes=(note,))

    return Found(members=(log,), read=read)


def _whole_lines(member: Member) -> bytes:
    begin = first_bytes(member)
    return begin if len(begin) < 4096 else begin[: begin.rfind(b"\n") + 1]


def _all_pairs(member: Member) -> bool:
    begin = _whole_lines(member)
    return _PAIRS.fullmatch(begin if begin.endswith(b"\n") else begin + b"\n") is not None


def find_lists(files: Files) -> Found | None:
    """LightGCN's train.txt and test.txt: a user and that user's items on each line."""
    train, test = files.get("train.txt"), files.get("test.txt")
    if train is None or test is None or files.named not in (None, train, test):
        return None
    if not all(_LISTS.match(first_bytes(member) + b"\n") for member in (train, test)):
        return None
    valid = files.get("valid.txt", "val.txt")
    parts = [(member, part) for part, member in enumerate((train, valid, test)) if member]
    return Found(
        members=tuple(member for member, _ in parts),
        read=lambda options, progress: _read_lists(parts, options, progress),
    )


def _read_lists(parts: list[tuple[Member, int]], options: Options, progress: Progress) -> "RawLog":
    import polars

    from seeds.loading.faults import Faults
    from seeds.loading.raw import RawLog

    frames = [_list_rows(member, place, part, progress) for place, (member, part) in enumerate(parts)]
    events = polars.concat(frames)
    files = tuple(member.shown for member, _ in parts)
    return RawLog(events=events, files=files, timeless=NO_ORDER, faults=Faults(rows=len(events)))


def _list_rows(member: Member, place: int, part: int, progress: Progress) -> "polars.DataFrame":
    """An event for each item of each line."""
    import polars

    from seeds.loading.pieces import pieces

    progress.begin(member.path)
    frames = list[polars.DataFrame]()
    for line, piece in pieces(member):
        texts = polars.Series("text", piece.decode().rstrip("\n").split("\n"), polars.String)
        rows = polars.DataFrame({"ids": texts.str.strip_chars().str.split(" ")}).with_row_index("line", line)
        wrong = rows.filter(polars.col("ids").list.eval(polars.element().str.contains(r"\D")).list.any())
        if len(wrong):
            raise SourceError(
                path=member.shown,
                line=int(wrong["line"][0]),
                expected="a user and items as numbers with a blank between them",
                found=repr(" ".join(wrong["ids"][0])[:60]),
                next_step="Correct or remove the line.",
            )
        events = rows.select(
            "line",
            user=polars.col("ids").list.first(),
            item=polars.col("ids").list.slice(1),
        )
        frames.append(events.explode("item").filter(polars.col("item").fill_null("") != ""))
        progress.add(len(frames[-1]), len(piece))
    progress.whole = True
    schema = {"line": polars.UInt32, "user": polars.String, "item": polars.String}
    rows = polars.concat(frames) if frames else polars.DataFrame(schema=schema)
    return rows.with_columns(
        polars.col("line").cast(polars.UInt32),
        file=polars.lit(place, polars.UInt16),
        part=polars.lit(part, polars.UInt8),
    )


GOWALLA = dataset(
    suffixes=("_totalCheckins.txt", "_totalCheckins.txt.gz"),
    name="check-ins",
    described="Gowalla or Brightkite check-ins, or Last.fm 1K",
    find=find_checkins,
)
LASTFM = dataset(
    suffixes=("user_artists.dat",),
    name="Last.fm HetRec",
    described="Last.fm of HetRec 2011 (without an order)",
    find=find_lastfm,
)
LIGHTGCN = dataset(name="LightGCN", described="LightGCN's train.txt and test.txt", find=find_lists)
PAIRS = dataset(name="SASRec", described="SASRec's text of user and item on each line", find=find_pairs)

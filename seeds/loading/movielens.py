"""MovieLens: 100k (u.data), 1M and 10M (ratings.dat), 20M, 25M, 32M and latest (ratings.csv beside movies.csv).

The old ones are in Latin-1, and some people have converted them since. Titles say "Thing, The (1995)".
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from seeds.loading.format import Found, dataset
from seeds.loading.layout import OLD, Kind, Layout
from seeds.loading.members import Files, Member
from seeds.loading.options import PARTS, Options
from seeds.loading.plain import part_file
from seeds.loading.progress import Progress

if TYPE_CHECKING:
    import polars

    from seeds.loading.raw import RawLog

GENRES = (
    *("unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama", "Fantasy"),
    *("Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western"),
)  # fmt: skip
_EVENT = ("user", "item", "rating", "time")
_OLD_ITEM = ("item", "title", "release_date", "video_date", "url", *GENRES)
TABS = Layout(kind=Kind.DELIMITED, separator="\t", quoted=False, names=_EVENT)
COLONS = Layout(kind=Kind.DELIMITED, separator="::", quoted=False, names=_EVENT)
COMMAS = Layout(kind=Kind.DELIMITED)
BARS = Layout(kind=Kind.DELIMITED, separator="|", quoted=False, names=_OLD_ITEM, encodings=OLD)
MOVIES = Layout(
    kind=Kind.DELIMITED, separator="::", quoted=False, names=("item", "title", "genres"), encodings=OLD
)
_OWN = {name: name for name in _EVENT}
_NEW = {"user": "userId", "item": "movieId", "rating": "rating", "time": "timestamp"}
_ARTICLE = r"^(.*), (The|A|An|Les|La|Le|L'|Il|Lo|Das|Der|Die|El|Los|Las)((?: \(.*\))?)$"


def find(files: Files) -> Found | None:
    """The ratings and the films beside them."""
    for log, layout, wanted, films in (
        ("u.data", TABS, _OWN, "u.item"),
        ("ratings.dat", COLONS, _OWN, "movies.dat"),
        ("ratings.csv", COMMAS, _NEW, "movies.csv"),
    ):
        found = _pair(files, log, films)
        if found is not None and (films != "movies.csv" or len(found) > 1):
            return Found(members=_with_parts(files, found), read=_reader(files, found, layout, wanted))
    return None


def _pair(files: Files, log: str, films: str) -> tuple[Member, ...] | None:
    member = files.named if files.named and _is_part(files.named.name) and log == "u.data" else files.get(log)
    if member is None or (files.named is not None and files.named != member):
        return None
    beside = files.get(films)
    return (member, beside) if beside else (member,)


def _is_part(name: str) -> bool:
    """Whether a file is one of the divisions that ML-100k brings: u1.base, ua.test."""
    return name[:1] == "u" and name[2:] in (".base", ".test") and len(name) == 7


def _with_parts(files: Files, found: tuple[Member, ...]) -> tuple[Member, ...]:
    divided = (member for name, member in files.members.items() if _is_part(name))
    return tuple(dict.fromkeys((*found, *divided)))


def _reader(files: Files, found: tuple[Member, ...], layout: Layout, wanted: Mapping[str, str]):
    def read(options: Options, progress: Progress) -> "RawLog":
        from seeds.loading.events import Source, read_sources

        logs = _logs(files, found[0], options)
        raw = read_sources(
            [Source(member=log, layout=layout, wanted=wanted, part=part) for log, part in logs], progress
        )
        return replace(raw, items=_films(found[1], progress)) if len(found) > 1 else raw

    return read


def _logs(files: Files, log: Member, options: Options) -> list[tuple[Member, int | None]]:
    if options.parts:
        return [(part_file(files, name, part), PARTS.index(part)) for part, name in options.parts.items()]
    if _is_part(log.name):
        pair = [files.get(log.name[:2] + ending) for ending in (".base", ".test")]
        return [(member, place) for member, place in zip(pair, (0, 2)) if member is not None]
    return [(log, None)]


def _films(member: Member, progress: Progress) -> "polars.DataFrame":
    import polars

    from seeds.loading.events import read_item_columns

    if member.name == "u.item":
        rows = read_item_columns(member, BARS, {name: name for name in _OLD_ITEM}, progress)
        flags = [
            polars.when(polars.col(genre) == "1").then(polars.lit(genre)).otherwise(None)
            for genre in GENRES[1:]
        ]
        rows = rows.with_columns(categories=polars.concat_list(flags).list.drop_nulls())
        rows = rows.select("item", "title", "categories", "release_date")
    else:
        layout = MOVIES if member.name == "movies.dat" else COMMAS
        own = {"item": "item" if layout is MOVIES else "movieId", "title": "title", "genres": "genres"}
        rows = read_item_columns(member, layout, own, progress)
        rows = rows.with_columns(
            categories=polars.col("genres").replace("(no genres listed)", "").str.split("|")
        ).drop("genres")
    return _plain_titles(rows)


def _plain_titles(rows: "polars.DataFrame") -> "polars.DataFrame":
    """ "Thing, The (1995)" is "The Thing" of 1995; "unknown" stands for no title."""
    import polars

    title = polars.col("title").str.strip_chars()
    named = title.str.replace(r"\s*\((\d{4})[^()]*\)\s*$", "").str.replace(_ARTICLE, "$2 $1$3")
    return rows.with_columns(
        title=polars.when(title == "unknown").then(polars.lit("")).otherwise(named),
        year=title.str.extract(r"\((\d{4})[^()]*\)\s*$"),
    )


FORMAT = dataset(
    name="MovieLens", described="a folder or .zip of MovieLens", suffixes=("u.data", "ratings.dat"), find=find
)

"""Data sets with one record on each line and a file of item columns beside it: Amazon reviews, Yelp, Steam."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from seeds.loading.format import Found, dataset
from seeds.loading.layout import Kind, Layout
from seeds.loading.members import Files, Member, first_bytes
from seeds.loading.options import Options
from seeds.loading.progress import Progress

if TYPE_CHECKING:
    import polars

    from seeds.loading.raw import RawLog

RECORDS = (".json", ".jsonl")
_MOST_LOOKED_INTO = 50
LOOKED_AT_BYTES = 1 << 16  # the ids may stand behind a long text


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A log and the item columns beside it. events, items: our names -> the records' names."""

    log: Member
    layout: Layout
    events: Mapping[str, str]
    beside: Member | None
    items: Mapping[str, tuple[str, ...]]


def found_pair(pair: Pair) -> Found:
    """How the pair is read."""
    members = (pair.log, *((pair.beside,) if pair.beside else ()))
    return Found(members=members, read=lambda options, progress: _read(pair, options, progress))


def _read(pair: Pair, options: Options, progress: Progress) -> "RawLog":
    from seeds.loading.events import Source, read_sources

    raw = read_sources([Source(member=pair.log, layout=pair.layout, wanted=pair.events)], progress)
    return replace(raw, items=_items(pair.beside, pair.items, progress)) if pair.beside else raw


def _items(
    member: Member, usual: Mapping[str, tuple[str, ...]], progress: Progress
) -> "polars.DataFrame | None":
    from seeds.loading.events import read_item_columns
    from seeds.loading.tables import names_of

    layout = Layout(kind=record_kind(member))
    present = names_of(member, layout)
    wanted = {
        own: name for own, names in usual.items() if (name := next((n for n in names if n in present), ""))
    }
    return read_item_columns(member, layout, wanted, progress) if "item" in wanted else None


def record_kind(member: Member) -> Kind:
    """Python's dicts print their names in single quotes, or as u'...'."""
    begin = first_bytes(member, 64).lstrip(b"\xef\xbb\xbf \t\r\n")
    return Kind.LITERAL if begin[1:].lstrip().startswith((b"'", b"u'", b'u"')) else Kind.JSON


AMAZON_ITEMS = {
    "item": ("parent_asin", "asin"),
    "title": ("title",),
    "categories": ("categories", "category"),
    "price": ("price",),
    "store": ("store", "brand"),
    "main_category": ("main_category", "main_cat"),
}
AMAZON_NEW = {"user": "user_id", "item": "parent_asin", "time": "timestamp", "rating": "rating"}
AMAZON_OLD = {"user": "reviewerID", "item": "asin", "time": "unixReviewTime", "rating": "overall"}
AMAZON_CSV = Layout(kind=Kind.DELIMITED, quoted=False, names=("user", "item", "rating", "time"))
_PREFIXES = ("reviews_", "ratings_")
_ENDINGS = ("_5", "_10", "_core")


def find_amazon(files: Files) -> Found | None:
    """Reviews of 2014, 2018 or 2023, and the metadata of the same category beside them."""
    return next((found_pair(pair) for pair in _amazon_pairs(files)), None)


def _amazon_pairs(files: Files) -> Iterator[Pair]:
    names = [files.named.name] if files.named else [name for name in files.members if not _is_meta(name)]
    for name in [name for name in names if name.endswith((*RECORDS, ".csv"))][:_MOST_LOOKED_INTO]:
        member, meta = files.members[name], _meta_of(files, name)
        if name.endswith(".csv"):
            if name.startswith("ratings_"):
                own = {column: column for column in AMAZON_CSV.names}
                yield Pair(log=member, layout=AMAZON_CSV, events=own, beside=meta, items=AMAZON_ITEMS)
            continue
        begin = first_bytes(member, LOOKED_AT_BYTES)
        kind = Layout(kind=record_kind(member))
        if b"reviewerID" in begin and b"asin" in begin:
            yield Pair(log=member, layout=kind, events=AMAZON_OLD, beside=meta, items=AMAZON_ITEMS)
        elif b'"parent_asin"' in begin and b'"user_id"' in begin:
            yield Pair(log=member, layout=kind, events=AMAZON_NEW, beside=meta, items=AMAZON_ITEMS)


def _is_meta(name: str) -> bool:
    return name.lower().startswith("meta")


def _meta_of(files: Files, name: str) -> Member | None:
    category = name.rpartition(".")[0]
    for prefix in _PREFIXES:
        category = category.removeprefix(prefix)
    for ending in _ENDINGS:
        category = category.removesuffix(ending)
    return files.get(*(f"meta_{category}{suffix}" for suffix in RECORDS))


def find_yelp(files: Files) -> Found | None:
    """Reviews and businesses; a business's stars and review_count are made of all reviews and are left out."""
    log = files.log("yelp_academic_dataset_review.json", "review.json")
    if log is None or (
        log.name == "review.json" and b'"business_id"' not in first_bytes(log, LOOKED_AT_BYTES)
    ):
        return None
    events = {"user": "user_id", "item": "business_id", "time": "date", "rating": "stars"}
    names = ("categories", "city", "state", "is_open")
    items = {"item": ("business_id",), "title": ("name",), **{name: (name,) for name in names}}
    return found_pair(
        Pair(
            log=log,
            layout=Layout(kind=Kind.JSON),
            events=events,
            beside=files.get("yelp_academic_dataset_business.json", "business.json"),
            items={("category" if own == "categories" else own): names for own, names in items.items()},
        )
    )


def find_steam(files: Files) -> Found | None:
    """Reviews as Python dicts; users are known by name, since many lines have no user_id."""
    log = files.log("steam_reviews.json", "steam_new.json", "australian_user_reviews.json")
    if log is None or b"product_id" not in first_bytes(log, LOOKED_AT_BYTES):
        return None
    events = {"user": "username", "item": "product_id", "time": "date"}
    items = {
        "item": ("id",),
        "title": ("app_name", "title"),
        "categories": ("genres",),
        "price": ("price",),
        "store": ("publisher", "developer"),
    }
    return found_pair(
        Pair(
            log=log,
            layout=Layout(kind=record_kind(log)),
            events=events,
            beside=files.get("steam_games.json"),
            items=items,
        )
    )


AMAZON = dataset(
    suffixes=("_5.json", "_5.json.gz"),
    name="Amazon reviews",
    described="Amazon reviews (2014, 2018, 2023) with their metadata",
    find=find_amazon,
)
YELP = dataset(
    suffixes=("yelp_academic_dataset_review.json",),
    name="Yelp",
    described="the Yelp data set",
    find=find_yelp,
)
STEAM = dataset(
    suffixes=("steam_reviews.json", "steam_reviews.json.gz"),
    name="Steam",
    described="Steam reviews",
    find=find_steam,
)

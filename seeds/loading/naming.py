"""Which column of a table holds what: as `[data.columns]` says, or by the names that published logs use."""

import re
from collections.abc import Mapping

from seeds.errors import SourceError
from seeds.loading.options import Columns

# In the order in which they are looked for; letters and digits alone, in small letters.
USUAL: Mapping[str, tuple[str, ...]] = {
    "user": (
        *("userid", "user", "uid", "reviewerid", "username", "userkey", "useridx", "customerid", "customer", "visitorid"),
        *("memberid", "profileid", "playerid", "personid", "u", "sessionid", "session"),
    ),
    "item": (
        *("itemid", "item", "parentasin", "asin", "iid", "productid", "product", "movieid", "movie", "businessid", "articleid"),
        *("songid", "trackid", "artistid", "bookid", "isbn", "gameid", "appid", "videoid", "newsid", "recipeid", "venueid"),
        *("locationid", "poiid", "poi", "location", "itemidx", "sku", "adid", "contentid", "i"),
    ),
    "time": (
        *("timestamp", "time", "ts", "datetime", "unixreviewtime", "unixtime", "eventtime", "createdat", "createtime"),
        *("ratedat", "date", "reviewtime", "datecreated", "starttime", "clicktime", "t"),
    ),
    "position": ("position", "order", "step", "seqno", "sequencenumber"),
    "rating": ("rating", "overall", "stars", "score", "ratingscore", "weight", "value", "r"),
    "split": (),  # never guessed: a column of this name may mean anything
}  # fmt: skip


def plain(name: str) -> str:
    """A column's name as USUAL writes it: without a RecBole type, signs and capitals."""
    return re.sub(r"[^a-z0-9]", "", name.rpartition(":")[0].lower() if ":" in name else name.lower())


def recognised(names: tuple[str, ...], columns: Columns, path: str) -> dict[str, str]:
    """What is held (a key of USUAL) -> the column's name in the source.

    Raises SourceError where a column that was named is not there, or no column of users or items is found.
    """
    found = {what: _named(names, what, own, path) for what in USUAL if (own := getattr(columns, what, ""))}
    by_plain = {plain(name): name for name in reversed(names)}
    for what, usual in USUAL.items():
        free = (by_plain[known] for known in usual if known in by_plain)
        if what not in found and (name := next((name for name in free if name not in found.values()), None)):
            found[what] = name
    if "time" in found and found["time"] and "position" in found:
        del found["position"]
    for what in ("user", "item"):
        if what not in found:
            raise SourceError(
                path=path,
                line=1,
                expected=f"a column that names the {what}",
                found=", ".join(names[:20]) or "no columns",
                next_step=f'Name it in evolverec.toml: [data.columns] {what} = "NAME", or its place from 1 where the '
                "file has no line of names.",
            )
    return found


def is_header(names: tuple[str, ...], columns: Columns) -> bool:
    """Whether the first line of a file names columns, rather than being its first event."""
    usual = {known for known_names in USUAL.values() for known in known_names if len(known) > 1}
    said = {columns.user, columns.item, columns.time, columns.rating, columns.split} - {""}
    stripped = {name.strip() for name in names}
    return bool(said & stripped) or any(plain(name) in usual for name in names if not name.isdigit())


def _named(names: tuple[str, ...], what: str, own: str, path: str) -> str:
    if own in names:
        return own
    if own.isdigit() and 1 <= int(own) <= len(names):
        return names[int(own) - 1]
    raise SourceError(
        path=path,
        line=1,
        expected=f"the column {own!r}, which data.columns.{what} names",
        found=", ".join(names[:20]),
        next_step=f"Correct data.columns.{what} in evolverec.toml.",
    )

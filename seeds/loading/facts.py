"""What a source says of items, in whatever columns: titles, categories, prices and stores are known by usual names."""

import re
from typing import TYPE_CHECKING

import numpy as np

from seeds.assembly import ItemFacts
from seeds.interactions import Float32
from seeds.loading.naming import plain

if TYPE_CHECKING:
    import polars

TITLES = ("title", "movietitle", "itemname", "productname", "appname", "name", "itemtitle", "songtitle")
CATEGORIES = ("categories", "category", "genres", "genre", "class", "tags", "maincategory")
STORES = ("store", "brand", "publisher", "artistname", "seller")
# A source's own average is made of events that are held out here: it is computed again from training events.
LEAKY = ("averagerating", "avgrating", "ratingnumber", "reviewcount", "stars", "ratingcount")
LONGEST_TEXT = 10_000
MOST_CATEGORIES = 1_000
MOST_OTHER = 50
_PRICE = re.compile(r"\d[\d,]*(?:\.\d+)?")


def facts_of(items: "polars.DataFrame", item_names: tuple[str, ...]) -> ItemFacts:
    """The facts of our items in the order of `item_names`; of an item that is described twice the first.

    items: "item" and any other columns; "title", "categories" (text, or lists of texts), "price" and "store" are used as such.
    """
    import polars

    wanted = polars.DataFrame({"item": list(item_names[1:])}, schema={"item": polars.String})
    once = items.unique("item", keep="first", maintain_order=True)
    aligned = wanted.join(once, on="item", how="left", maintain_order="left")
    roles = {plain(name): name for name in reversed(aligned.columns) if name != "item"}
    title, category, store, price = (
        next((roles[known] for known in usual if known in roles), "")
        for usual in (TITLES, CATEGORIES, STORES, ("price",))
    )
    used = {"item", title, category, store, price}
    other = [name for key, name in roles.items() if name not in used and key not in LEAKY][:MOST_OTHER]
    unknown = np.full(len(item_names), np.nan, np.float32)
    return ItemFacts(
        title=_texts(aligned, title, len(item_names)),
        categories=_categories(aligned, category, len(item_names)),
        price=_prices(aligned[price]) if price else unknown,
        store=_texts(aligned, store, len(item_names)),
        other={name: _other(aligned, name, len(item_names)) for name in reversed(other)},
    )


def _texts(aligned: "polars.DataFrame", column: str, n: int) -> tuple[str, ...]:
    if not column:
        return ("",) * n
    return ("", *_as_text(aligned[column]).to_list())


def _as_text(values: "polars.Series") -> "polars.Series":
    import polars

    if isinstance(values.dtype, polars.List):
        values = values.cast(polars.List(polars.String)).list.join(" ", ignore_nulls=True)
    text = values.cast(polars.String, strict=False).fill_null("").str.strip_chars().str.slice(0, LONGEST_TEXT)
    return text.replace("None", "")


def _categories(aligned: "polars.DataFrame", column: str, n: int) -> tuple[tuple[str, ...], ...]:
    """Lists as they are; a text is several categories where "|" or, failing that, "," separates them anywhere."""
    import polars

    if not column:
        return ((),) * n
    values = aligned[column]
    if not isinstance(values.dtype, polars.List):
        text = _as_text(values)
        mark = next((sign for sign in "|,;" if text.str.contains(sign, literal=True).any()), "|")
        values = text.str.split(mark)
    paths = values.cast(polars.List(polars.String)).to_list()
    cleaned = (tuple(filter(None, (name.strip() for name in path or () if name))) for path in paths)
    return ((), *(path[:MOST_CATEGORIES] for path in cleaned))


def _prices(values: "polars.Series") -> Float32:
    """float32 (n_items + 1,): "$1,234.50" is a price, and "None" or a piece of HTML none."""
    import polars

    if values.dtype == polars.String:
        found = [_PRICE.search(text) if text and len(text) < 40 else None for text in values.to_list()]
        numbers = np.array([float(price[0].replace(",", "")) if price else np.nan for price in found])
    else:
        numbers = values.cast(polars.Float64, strict=False).fill_null(float("nan")).to_numpy()
    return np.concatenate(([np.nan], numbers)).astype(np.float32)


def _other(aligned: "polars.DataFrame", column: str, n: int) -> tuple[str, ...] | Float32:
    """A number for each item where all that is known are numbers, else text."""
    import polars

    values = aligned[column]
    if values.dtype == polars.String:
        filled = values.fill_null("").str.strip_chars()
        numbers = filled.cast(polars.Float64, strict=False)
        coded = filled.str.contains(r"^0\d").any()  # "007" is no number
        if coded or numbers.null_count() > (filled == "").sum() or not numbers.drop_nulls().is_finite().all():
            return _texts(aligned, column, n)
        values = numbers
    if not values.dtype.is_numeric():
        return _texts(aligned, column, n)
    known = values.cast(polars.Float64).fill_null(float("nan")).to_numpy()
    return np.concatenate(([np.nan], known)).astype(np.float32)

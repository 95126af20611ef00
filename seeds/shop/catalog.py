"""The shop's items, and which items follow which: a volume its predecessor, an accessory its device."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seeds.interactions import Float32, Int64
from seeds.shop.words import ADJECTIVES, MATERIALS, PLACES, STORES, Shelf, ShelfKind

SERIES_LENGTHS = (1, 3, 4, 5)
FOLLOWERS = 3  # most followers of one item
STORES_PER_SHELF = 5
STYLES = 4  # dimensions of the latent factors that items and customers' tastes share across shelves
KIN = 3  # related shelves of a shelf
KIN_LOG_ODDS = 2.0
LATE_VOLUME = -2.0  # appeal of later volumes, because few customers begin a series in its middle


@dataclass(frozen=True, kw_only=True, eq=False)
class Catalog:
    """Items 1..n_items, shelf by shelf; every array has n_items + 1 entries, entry 0 is padding.

    shelf: index into `shelves`
    store: index into STORES
    price_level: log price relative to the shelf's mean, in standard deviations
    appeal: log popularity, all else being equal
    quality: in stars around the mean
    style: (n_items + 1, STYLES)
    followers, pull: (n_items + 1, FOLLOWERS), the items that are often wanted next, 0 for none, and how strongly
    on_shelf: (n_shelves, items per shelf)
    kinship: (n_shelves, n_shelves), how much a look at one shelf (row) draws to another, in log odds
    """

    shelves: tuple[Shelf, ...]
    titles: tuple[str, ...]
    shelf: Int64
    store: Int64
    price: Float32
    price_level: Float32
    appeal: Float32
    quality: Float32
    style: Float32
    followers: Int64
    pull: Float32
    on_shelf: Int64
    kinship: Float32

    @property
    def n_items(self) -> int:
        """The number of items, without padding."""
        return len(self.titles) - 1


def make_catalog(shelves: tuple[Shelf, ...], items_per_shelf: int, rng: np.random.Generator) -> Catalog:
    """Fill every shelf with `items_per_shelf` items."""
    n_items = len(shelves) * items_per_shelf
    on_shelf = np.arange(1, n_items + 1).reshape(len(shelves), items_per_shelf)
    shelf = np.concatenate(([0], np.repeat(np.arange(len(shelves)), items_per_shelf)))
    families = [_families(kind.kind, row, rng) for kind, row in zip(shelves, on_shelf)]
    store = _stores(families, n_items, rng)
    level = rng.normal(size=n_items + 1).astype(np.float32)
    usual = np.array([shelf.price for shelf in shelves])[shelf]
    price = np.round(usual * np.exp(0.45 * level)) - 0.01
    price[0] = np.nan
    appeal = rng.normal(scale=1.1, size=n_items + 1).astype(np.float32)
    followers = np.zeros((n_items + 1, FOLLOWERS), np.int64)
    pull = np.zeros((n_items + 1, FOLLOWERS), np.float32)
    for place, kind in enumerate(shelves):
        if kind.kind is ShelfKind.SERIES:
            _link_series(families[place], followers, pull, appeal, rng)
        elif kind.kind is ShelfKind.DEVICE:
            _link_accessories(on_shelf[place], on_shelf[place + 1], store, followers, pull, rng)
        elif kind.kind is ShelfKind.PLAIN:
            _link_complements(place, shelves, on_shelf, followers, pull, rng)
    return Catalog(
        shelves=shelves,
        titles=_titles(shelves, families, store, rng),
        shelf=shelf,
        store=store,
        price=price.astype(np.float32),
        price_level=level,
        appeal=appeal,
        quality=rng.normal(scale=0.45, size=n_items + 1).astype(np.float32),
        style=_styles(families, n_items, rng),
        followers=followers,
        pull=pull,
        on_shelf=on_shelf,
        kinship=_kinship(len(shelves), rng),
    )


def _families(kind: ShelfKind, items: Int64, rng: np.random.Generator) -> list[Int64]:
    """Items that belong together, in order: the volumes of a series, else each item alone."""
    if kind is not ShelfKind.SERIES:
        return [items[place : place + 1] for place in range(len(items))]
    families: list[Int64] = []
    while len(items):
        length = int(rng.choice(SERIES_LENGTHS))
        families.append(items[:length])
        items = items[length:]
    return families


def _stores(families: list[list[Int64]], n_items: int, rng: np.random.Generator) -> Int64:
    store = np.zeros(n_items + 1, np.int64)
    for shelf in families:
        sellers = rng.choice(len(STORES), STORES_PER_SHELF, replace=False)
        for family in shelf:
            store[family] = rng.choice(sellers)
    return store


def _styles(families: list[list[Int64]], n_items: int, rng: np.random.Generator) -> Float32:
    """A style per family, so that a customer who likes the first volume likes the second."""
    style = np.zeros((n_items + 1, STYLES), np.float32)
    for shelf in families:
        for family in shelf:
            style[family] = rng.normal(size=STYLES)
    return style


def _link_series(
    families: list[Int64], followers: Int64, pull: Float32, appeal: Float32, rng: np.random.Generator
) -> None:
    """Each volume leads to the next; the last leads to the first volume of another series on the shelf."""
    firsts = np.array([family[0] for family in families])
    for family in families:
        followers[family[:-1], 0] = family[1:]
        pull[family[:-1], 0] = 1.0
        appeal[family[1:]] = appeal[family[0]] + LATE_VOLUME
        other = int(rng.choice(firsts))
        if other != family[0]:
            followers[family[-1], 1] = other
            pull[family[-1], 1] = 0.4


def _link_accessories(
    devices: Int64,
    accessories: Int64,
    store: Int64,
    followers: Int64,
    pull: Float32,
    rng: np.random.Generator,
) -> None:
    """Each device leads to accessories, of its own brand if there are any; each accessory leads to the next."""
    for device in devices:
        own_brand = 4.0 * (store[accessories] == store[device])
        keys = own_brand + rng.gumbel(size=len(accessories))
        chosen = accessories[np.argsort(-keys)[:FOLLOWERS]]
        followers[device, : len(chosen)] = chosen
        pull[device, : len(chosen)] = (0.9, 0.6, 0.4)[: len(chosen)]
        followers[chosen[:-1], 0] = chosen[1:]
        pull[chosen[:-1], 0] = 0.35


def _link_complements(
    place: int,
    shelves: tuple[Shelf, ...],
    on_shelf: Int64,
    followers: Int64,
    pull: Float32,
    rng: np.random.Generator,
) -> None:
    """Each item leads to two of another plain shelf in its department, or of its own shelf if there is no other."""
    department = shelves[place].department
    near = [
        other
        for other, shelf in enumerate(shelves)
        if other != place and shelf.department == department and shelf.kind is ShelfKind.PLAIN
    ]
    others = on_shelf[near or [place]].ravel()
    for item in on_shelf[place]:
        followers[item, :2] = rng.choice(others[others != item], 2, replace=False)
        pull[item, :2] = (0.5, 0.4)


def _kinship(n_shelves: int, rng: np.random.Generator) -> Float32:
    """Every shelf draws to KIN others."""
    kinship = np.zeros((n_shelves, n_shelves), np.float32)
    for row in kinship:
        row[rng.choice(n_shelves, KIN, replace=False)] = KIN_LOG_ODDS
    return kinship


def _titles(
    shelves: tuple[Shelf, ...], families: list[list[Int64]], store: Int64, rng: np.random.Generator
) -> tuple[str, ...]:
    """A readable, unique title per item."""
    series_names = [f"The {adjective} {place}" for adjective in ADJECTIVES for place in PLACES]
    rng.shuffle(series_names)
    titles: dict[int, str] = {0: ""}
    taken: dict[str, int] = {}
    for shelf, groups in zip(shelves, families):
        for family in groups:
            if shelf.kind is ShelfKind.SERIES:
                name = series_names.pop()
                numbered = [f"{name}, {shelf.nouns[0]} {volume + 1}" for volume in range(len(family))]
                titles |= dict(zip(family.tolist(), numbered if len(family) > 1 else [name]))
                continue
            item = int(family[0])
            title = _product_title(shelf, STORES[store[item]], rng)
            taken[title] = taken.get(title, 0) + 1
            titles[item] = title if taken[title] == 1 else f"{title} Mk {taken[title]}"
    return tuple(titles[item] for item in range(len(titles)))


def _product_title(shelf: Shelf, store: str, rng: np.random.Generator) -> str:
    noun = str(rng.choice(shelf.nouns))
    if shelf.kind is ShelfKind.DEVICE:
        return f"{store} {rng.choice(list('ACDEGKLMSTX'))}{rng.integers(1, 10)}0 {noun}"
    return f"{store} {rng.choice(MATERIALS)} {noun}"


def categories_of(catalog: Catalog) -> tuple[tuple[str, ...], ...]:
    """(department, shelf) of every item, () for padding."""
    paths = [(shelf.department, shelf.name) for shelf in catalog.shelves]
    places: NDArray[np.int64] = catalog.shelf[1:]
    return ((), *(paths[place] for place in places))

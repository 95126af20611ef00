"""The built-in shop: the same each time, readable, and as its truth says."""

import re
import time

import numpy as np
import pytest

from seeds.interactions import Interactions
from seeds.shop import Shop, make
from seeds.shop.customers import DRIVERS
from seeds.sizes import SIZES
from tests.seeds.fingerprint import fingerprint


def strongly(shop: Shop, driver: str) -> np.ndarray:
    """Users 1.. with `driver` strong: bool (n_users + 1,)."""
    return np.array([driver in strong for strong in shop.truth.strong])


@pytest.fixture(scope="module")
def demo() -> Shop:
    return make("demo")


def test_the_same_seed_makes_the_same_shop(micro: Shop) -> None:
    assert fingerprint(make("micro").interactions) == fingerprint(micro.interactions)
    assert fingerprint(make("micro", seed=1).interactions) != fingerprint(micro.interactions)


def test_the_demo_shop_is_made_in_three_seconds() -> None:
    started = time.process_time()
    make("demo")
    assert time.process_time() - started < 3


def test_sizes() -> None:
    assert [SIZES[name].n_users for name in ("micro", "demo", "full")] == [300, 1_500, 6_000]
    with pytest.raises(ValueError, match="micro, demo, full"):
        make("giant")


def test_every_column_is_filled(demo: Shop) -> None:
    log, columns = demo.interactions, demo.interactions.item_columns
    assert log.ratings is not None and set(np.unique(log.ratings)) == {1, 2, 3, 4, 5}
    assert log.timestamps is not None and log.timestamps.min() > 1_600_000_000
    titles = columns.title[1:]
    assert len(set(titles)) == len(titles) == log.n_items
    assert all(re.fullmatch(r"[A-Z][\w&' ,.-]+", title) for title in titles)
    assert all(len(path) == 2 for path in columns.categories[1:])
    assert (columns.price[1:] > 0).all() and all(columns.store[1:])
    assert not np.isnan(columns.average_rating[1:]).any()
    lengths = [len(columns.title), len(columns.categories), len(columns.price), len(columns.store)]
    assert lengths == [log.n_items + 1] * 4


def test_nobody_buys_a_thing_twice_and_everyone_buys_five(demo: Shop) -> None:
    log = demo.interactions
    for user in range(1, log.n_users + 1):
        history = log.history(user)
        assert len(history) >= 5 and len(set(history.tolist())) == len(history)


def test_popularity_has_a_long_tail(demo: Shop) -> None:
    counts = np.sort(np.bincount(demo.interactions.items)[1:])[::-1]
    assert counts[: len(counts) // 5].sum() > 0.4 * counts.sum()
    assert counts[0] > 5 * np.median(counts)


def test_one_or_two_drivers_are_strong_in_each_user(demo: Shop) -> None:
    truth = demo.truth
    assert truth.strong[0] == () and set(truth.drivers) == set(DRIVERS)
    for user, strong in enumerate(truth.strong[1:], start=1):
        assert 1 <= len(strong) <= 2
        for name in DRIVERS:
            assert (truth.drivers[name][user] >= 0.75) == (name in strong)


def test_loyal_users_buy_from_their_store(demo: Shop) -> None:
    log, truth = demo.interactions, demo.truth
    store = np.array(log.item_columns.store)
    own = store[log.items] == np.array(truth.favourite_store)[log.users]
    loyal = strongly(demo, "loyalty")[log.users]
    assert own[loyal].mean() > 2.5 * own[~loyal].mean()


def test_price_sensitive_users_buy_what_is_cheap_for_its_kind(demo: Shop) -> None:
    log, columns = demo.interactions, demo.interactions.item_columns
    shelf = np.array([path[1] if path else "" for path in columns.categories])
    relative = np.zeros(log.n_items + 1)
    for name in set(shelf[1:]):
        on_shelf = shelf == name
        relative[on_shelf] = columns.price[on_shelf] / np.median(columns.price[on_shelf])
    sensitive = strongly(demo, "price_sensitivity")[log.users]
    assert relative[log.items][sensitive].mean() < 0.85 * relative[log.items][~sensitive].mean()


def test_conformists_buy_what_is_popular_and_rate_as_others_do(demo: Shop) -> None:
    log = demo.interactions
    assert log.ratings is not None
    conform = strongly(demo, "conformity")[log.users]
    popularity = np.bincount(log.items)[log.items]
    assert popularity[conform].mean() > 1.1 * popularity[~conform].mean()
    distance = (log.ratings - log.item_columns.average_rating[log.items]) ** 2
    assert distance[conform].mean() < 0.8 * distance[~conform].mean()


def test_variety_seekers_change_shelves(demo: Shop) -> None:
    log = demo.interactions
    shelf = np.array([path[1] if path else "" for path in log.item_columns.categories])[log.items]
    follows = log.users[1:] == log.users[:-1]
    stays = (shelf[1:] == shelf[:-1])[follows]
    seeker = strongly(demo, "variety")[log.users[1:]][follows]
    assert stays[seeker].mean() < 0.6 * stays[~seeker].mean()


def test_sequels_follow_books_and_accessories_devices(demo: Shop) -> None:
    log, columns, truth = demo.interactions, demo.interactions.item_columns, demo.truth
    place = {title: item for item, title in enumerate(columns.title)}
    sequels = [
        (item, place[title[:-1] + "2"])
        for title, item in place.items()
        if title.endswith((", Book 1", ", Case 1")) and title[:-1] + "2" in place
    ]
    assert len(sequels) > 10
    assert all(second in truth.followers[first] for first, second in sequels)
    share = np.mean([follow_rate(log, first, second) for first, second in sequels])
    base = np.mean([np.mean(log.items == second) for _, second in sequels])
    assert share > 20 * base
    devices = [item for item, path in enumerate(columns.categories) if path and path[1] == "Cameras"]
    led_to = {columns.categories[item][1] for device in devices for item in truth.followers[device] if item}
    assert led_to == {"Camera Accessories"}


def follow_rate(log: Interactions, first: int, second: int) -> float:
    at = np.flatnonzero(log.items[:-1] == first)
    at = at[log.users[at] == log.users[at + 1]]
    return float(np.mean(log.items[at + 1] == second)) if len(at) else 0.0


def test_an_item_is_followed_up_more_often_at_the_purchase_after_next(demo: Shop) -> None:
    """What a first-order model cannot see: a volume is read and a device used before the next thing is bought."""
    after_next, by_chance = follow_up_share(demo, 2)
    assert after_next > 8 * by_chance
    assert after_next > follow_up_share(demo, 1)[0]


def follow_up_share(shop: Shop, purchases_later: int) -> tuple[float, float]:
    """How many purchases are a follower of the one so many purchases before, and of a random one."""
    log, truth = shop.interactions, shop.truth
    later = np.arange(purchases_later, log.n_events)
    later = later[log.users[later] == log.users[later - purchases_later]]
    before, bought = log.items[later - purchases_later], log.items[later][:, None]
    anything = np.random.default_rng(0).permutation(before)
    shares = [(truth.followers[items] == bought).any(axis=1).mean() for items in (before, anything)]
    return float(shares[0]), float(shares[1])

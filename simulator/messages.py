"""The sentences of simulated users, with the actual titles, categories and stores. Pure functions."""

from collections import Counter
from dataclasses import dataclass

from simulator.pages import Page, PageItem


@dataclass(frozen=True, kw_only=True)
class Scene:
    """The facts that a sentence may mention.

    shown: the item that the sentence is about
    wished: an item that the user would have preferred, for the signal that the sentence is about
    usual_price: None if no price is known
    """

    page: Page
    shown: PageItem
    wished: PageItem
    usual_store: str
    usual_price: float | None

    @property
    def last_title(self) -> str:
        """The title of the user's last event, in quotes."""
        return quoted(self.page.recent[0].shown.title) if self.page.recent else "my last pick"


def quoted(title: str) -> str:
    """The title in single quotes, because the sentence around it is often quoted itself."""
    return f"‘{title}’"


def kind_of(item: PageItem) -> str:
    """The item's narrowest category."""
    return item.categories[-1] if item.categories else "things without a category"


def price_of(item: PageItem) -> str:
    """The item's price in words."""
    return "an unknown price" if item.price is None else f"{item.price:,.2f}"


def praise_item(signal: str, scene: Scene, *, little: bool) -> str:
    """Why an item fits. little: the item has less of the signal than the user's usual choices."""
    title = quoted(scene.shown.title)
    return {
        "popularity": f"{title} is not what everybody takes, and that suits me."
        if little
        else f"Many people take {title}, and so would I.",
        "price": f"{title} costs {price_of(scene.shown)}, which is what I am ready to pay.",
        "category": f"{kind_of(scene.shown)} is what I keep coming back to, so {title} fits.",
        "store": f"{title} is from {scene.shown.store or 'a store'}, where I like to buy.",
        "sequence": f"After {scene.last_title}, {title} is a natural next step.",
        "variety": f"{title} goes on where {scene.last_title} left off."
        if little
        else f"{title} is a change from {scene.last_title}, which I like.",
        "quality": f"{title} is rated {_stars(scene.shown)}, and I go by that.",
        "together": f"People who have what I have also take {title}.",
    }[signal]


def reject_item(signal: str, scene: Scene, *, little: bool) -> str:
    """Why an item does not fit. little: the item has less of the signal than the user's usual choices."""
    title, wished = quoted(scene.shown.title), quoted(scene.wished.title)
    return {
        "popularity": f"Hardly anybody takes {title}; I would rather have {wished}."
        if little
        else f"Everybody takes {title}; I look for less obvious things.",
        "price": f"{title} costs {price_of(scene.shown)}{_against(scene.usual_price)}: not for me.",
        "category": f"{kind_of(scene.shown)} is not what I look for, so {title} does not fit.",
        "store": f"{title} is from {scene.shown.store or 'an unknown store'}; I keep to {scene.usual_store or 'my own stores'}.",
        "sequence": f"My last pick was {scene.last_title}; {wished} would have made sense next, not {title}.",
        "variety": f"{title} is too much like {scene.last_title}."
        if little
        else f"{title} is too far from what I do right now, like {scene.last_title}.",
        "quality": f"{title} is rated {_stars(scene.shown)}; that does not convince me.",
        "together": f"{title} is not what people take who have what I have; I would rather have {wished}.",
    }[signal]


def remark_on_page(code: str, scene: Scene) -> str:
    """A sentence about the whole page, for an opinion's code."""
    items, title, wished = scene.page.items, quoted(scene.shown.title), quoted(scene.wished.title)
    kind, kinds = _most_common([kind_of(item) for item in items])
    store, stores = _most_common([item.store for item in items if item.store])
    last = scene.last_title
    sentences = {
        "overused-popularity": f"{title} and the rest are what everybody gets; {wished} is more like me.",
        "overused-category": f"{kinds} of {len(items)} are {kind}; I would have mixed in something like {wished}.",
        "overused-store": f"{stores} of {len(items)} come from {store}; I buy elsewhere too, {wished} for example.",
        "overused-sequence": f"Everything here follows from {last}; I had other things in mind, such as {wished}.",
        "overused-variety": f"The page jumps around, {title} for one; after {last} I was set on {wished}.",
        "overused-price": f"The prices are not mine: {title} costs {price_of(scene.shown)}{_against(scene.usual_price)}.",
        "overused-quality": f"Well rated like {title}, but that is not how I choose; {wished} is more like me.",
        "missed-popularity": f"I have never heard of {title}; things that others take, like {wished}, are missing.",
        "missed-category": f"What I come for is {kind_of(scene.wished)}, like {wished}; {title} is {kind_of(scene.shown)}.",
        "missed-store": f"I usually buy from {scene.usual_store or 'the same stores'}; {title} is from {scene.shown.store or 'elsewhere'}.",
        "missed-price": f"The prices are not mine: {title} costs {price_of(scene.shown)}{_against(scene.usual_price)}.",
        "missed-sequence": f"My last pick was {last}; {wished} would have made sense next, not {title}.",
        "missed-variety": f"{title} is too much like {last}; I wanted a change, {wished} for example.",
        "missed-quality": f"{title} is rated {_stars(scene.shown)}; I would have gone for {wished} ({_stars(scene.wished)}).",
        "liked-popularity": f"{title} is about as well known as the things I take.",
        "liked-category": f"{kind_of(scene.shown)} like {title} is what I come for.",
        "liked-store": f"{title} is from {scene.shown.store or 'a store'}, where I like to buy.",
        "liked-price": f"{title} at {price_of(scene.shown)} is what I am ready to pay.",
        "liked-sequence": f"I just had {last}, and {title} is a natural next step.",
        "liked-variety": f"After {last}, {title} is the kind of change I make.",
        "liked-quality": f"{title} is rated {_stars(scene.shown)}; I go by that.",
    }
    return sentences[code]


MESSAGES = {
    "overused-popularity": "pages lean on what is popular with everyone, more than these users' own choices do",
    "overused-category": "pages are filled with one kind of thing",
    "overused-store": "pages are filled from one store",
    "overused-sequence": "pages only follow the last pick and forget everything before it",
    "overused-variety": "pages jump around while these users stay with what they are at",
    "overused-price": "prices are away from what these users pay",
    "overused-quality": "pages lean on high ratings, which is not how these users choose",
    "missed-popularity": "pages show things that hardly anybody takes",
    "missed-category": "the categories that these users come for are missing",
    "missed-store": "the stores that these users keep to are missing",
    "missed-price": "prices are away from what these users pay",
    "missed-sequence": "what follows from the last picks is missing",
    "missed-variety": "pages repeat what these users just had and offer no change",
    "missed-quality": "pages show things that others rate low",
    "liked-popularity": "items are as well known as these users want them",
    "liked-category": "the categories are right",
    "liked-store": "the stores are right",
    "liked-price": "the prices are right",
    "liked-sequence": "pages follow on from the last picks",
    "liked-variety": "the distance to the last picks is right",
    "liked-quality": "the items are as well rated as these users want them",
}


def _stars(item: PageItem) -> str:
    return "by nobody yet" if item.average_rating is None else f"{item.average_rating:.1f}"


def _against(usual_price: float | None) -> str:
    return "" if usual_price is None else f" and I usually pay around {usual_price:,.2f}"


def _most_common(names: list[str]) -> tuple[str, int]:
    return Counter(names).most_common(1)[0] if names else ("", 0)

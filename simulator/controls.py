"""How often the same users, by the same rules, say the same of control pages; a critique must exceed that share.

For complaints, the control page is the user's last real choices in training, each seen from its own moment and left
out of its own counts. For praise, it is a page of random items.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from simulator.opinions import Opinion, form_opinions
from simulator.pages import PAGE_SIZE
from simulator.population import Population
from simulator.viewpoint import Viewpoint, measure_pages, measure_shown

LEAST_CHOICES = 5  # fewer real choices are too noisy to compare with a page


def opinions_on_real_choices(population: Population, view: Viewpoint) -> tuple[Opinion, ...] | None:
    """Opinions on the user's last real choices as if they were his page; None if
    there are fewer than LEAST_CHOICES.
    """
    panel = population.panel
    place = int(np.searchsorted(panel.users, view.user))
    if place == len(panel.users) or panel.users[place] != view.user:
        return None
    choices = slice(panel.offsets[place], panel.offsets[place + 1])
    items = panel.items[choices][-PAGE_SIZE:]
    if len(items) < LEAST_CHOICES:
        return None
    features = population.model.standardise(panel.features[choices, 0][-PAGE_SIZE:])
    catalogue = population.shelf.catalogue
    page = measure_pages(catalogue, items[None], features[None], view.weights, view.emphasis, view.grouping)
    return form_opinions(view, page)


def opinions_on_random_page(
    population: Population, view: Viewpoint, rng: np.random.Generator
) -> tuple[Opinion, ...]:
    """Opinions on a page of random items that the user never touched."""
    rows = rng.choice(len(view.items), size=min(PAGE_SIZE, len(view.items)), replace=False)
    return form_opinions(view, measure_shown(population.shelf.catalogue, view, rows))


def count_voices(
    opinions: Sequence[tuple[Opinion, ...] | None], *, positive: bool
) -> Mapping[str, tuple[int, int]]:
    """code -> (how many users have an opinion with this code, how many were asked).

    None in `opinions` was not asked.
    """
    asked = [own for own in opinions if own is not None]
    said = Counter(opinion.code for own in asked for opinion in own if opinion.positive == positive)
    return {code: (count, len(asked)) for code, count in said.items()}

from .item import ItemTower
from .query import QueryTower

REGISTRY = {"item": ItemTower, "query": QueryTower}


def make_tower(name, *args, **kwargs):
    return REGISTRY[name](*args, **kwargs)

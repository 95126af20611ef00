import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Event:
    visitor: int
    product: int
    ts: float


class Catalog:
    """Numbers visitors and products from 0."""

    def __init__(self) -> None:
        self.visitors: dict[str, int] = {}
        self.products: dict[str, int] = {}

    def visitor(self, name: str) -> int:
        return self.visitors.setdefault(name, len(self.visitors))

    def product(self, name: str) -> int:
        return self.products.setdefault(name, len(self.products))


def read_events(path: Path, min_events: int = 0) -> tuple[list[Event], Catalog]:
    """Events in order of time, and who is who; visitors with fewer than `min_events` are left out."""
    rows = [json.loads(line) for line in path.read_text().splitlines() if line]
    rows.sort(key=lambda row: row["ts"])
    counts: dict[str, int] = {}
    for row in rows:
        counts[row["visitor"]] = counts.get(row["visitor"], 0) + 1
    catalog = Catalog()
    events = [
        Event(catalog.visitor(row["visitor"]), catalog.product(row["product"]), row["ts"])
        for row in rows
        if counts[row["visitor"]] >= min_events
    ]
    return events, catalog

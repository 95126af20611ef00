"""An evolved probe as a value: what it verifies, what it measures, and its code or its template's parameters."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

# Attributes of a view that may be absent -> why, in words for the probe's author.
ABSENT_WHEN = {
    "item_embeddings": "the recommender offers no item_embeddings()",
    "shuffled_scores": "no shuffled histories were scored",
    "shuffled_lists": "no shuffled histories were scored",
    "price": "no item has a price",
    "rating": "no item has a rating",
    "category": "no item has a category",
    "subcategory": "no item has a category",
    "store": "no item has a store",
}


@dataclass(frozen=True, kw_only=True)
class ProbeSpec:
    """One evolved probe. It measures a number per user; `verdict` judges that number by references of the same trial.

    name: kebab-case, unique among the probes of a repo.
    complaint, signal: what it verifies.
    definition: how the value is computed, in one sentence.
    unit: of the value.
    author: "template" or the name of the model that wrote it.
    template, parameters: of a composed probe; "" and {} otherwise.
    source: of a written probe; "" otherwise.
    admitted_because: what its admission showed; "" before.
    """

    name: str
    complaint: str
    signal: str
    definition: str
    unit: str
    higher_is_better: bool
    author: str
    template: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    admitted_because: str = ""

    @property
    def title(self) -> str:
        """Its name as a person would give it: without the complaint, which stands elsewhere."""
        return titled(self.name, self.complaint)

    @property
    def id(self) -> str:
        """12 hex digits of its code or template, its direction and its complaint; name, definition and unit do not
        count.
        """
        parts = [self.complaint, str(self.higher_is_better), self.template, self.source]
        parts += [f"{key}={self.parameters[key]}" for key in sorted(self.parameters)]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]

    @property
    def code(self) -> str:
        """The code of its measurements and findings."""
        return f"evolved-{self.name}"


def titled(name: str, complaint: str) -> str:
    """The title of a probe called `name`: `overused-store-crowded-store` for the complaint `overused-store` is `Crowded store`."""
    return (name.removeprefix(f"{complaint}-") or name).replace("-", " ").capitalize()

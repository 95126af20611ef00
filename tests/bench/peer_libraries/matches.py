"""Which model of which library stands against which seed, and with which settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One model that is trained.

    library: "evolverec", "recbole" or "rectools". model: a seed's folder, or the library's name of the model
    changes: settings that differ from the seed's; a library's own names beside those of the seed
    note: what a reader of the table must know of it
    """

    library: str
    model: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Match:
    """seed: whose settings both sides have."""

    seed: str
    ours: Contender
    peer: Contender


_SIMPLIFIED = {"simplified": True, "weight_decay": 1e-4}
MATCHES = {
    "sasrec": Match(
        seed="sasrec",
        ours=Contender(library="evolverec", model="sasrec"),
        peer=Contender(
            library="rectools",
            model="SASRec",
            note="reads the newest 51 events of a user alone, so each window of a history is handed to it as a user",
        ),
    ),
    "gru4rec": Match(
        seed="gru4rec",
        ours=Contender(library="evolverec", model="gru4rec"),
        peer=Contender(
            library="recbole",
            model="GRU4Rec",
            changes={"loss_type": "BPR"},
            note="BPR against one item drawn, as it has no TOP1; one sample for each prefix",
        ),
    ),
    "ncf": Match(
        seed="ncf",
        ours=Contender(library="evolverec", model="ncf"),
        peer=Contender(library="recbole", model="NeuMF"),
    ),
    "ngcf": Match(
        seed="ngcf",
        ours=Contender(library="evolverec", model="ngcf"),
        peer=Contender(library="recbole", model="NGCF"),
    ),
    "lightgcn": Match(
        seed="ngcf",
        ours=Contender(library="evolverec", model="ngcf", changes=_SIMPLIFIED, note="Settings.simplified"),
        peer=Contender(library="recbole", model="LightGCN", changes=_SIMPLIFIED),
    ),
    "morec": Match(
        seed="morec",
        ours=Contender(library="evolverec", model="morec"),
        peer=Contender(
            library="rectools",
            model="SASRec of words",
            note="RecBole and RecTools have no MoRec: this is SASRec with the words of items as their only features",
        ),
    ),
}

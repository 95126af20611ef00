"""The JSON document of `simulate --session`."""

from typing import Any

from evolution.base import serial
from evolution.domain.trial import Trial
from seeds.metrics.intervals import MeanInterval
from simulator.pages import PAGE_SIZE
from simulator.sessions.figures import SessionFigures
from simulator.sessions.listening import Listening
from simulator.sessions.records import MOST_PAGES
from simulator.sessions.sessions import NO_VOTE, Compared, Outcome, Participants
from simulator.sessions.telling import ToldSession


def sessions_document(
    trial: Trial, participants: Participants, outcome: Outcome, told: ToldSession | None
) -> dict[str, Any]:
    """`recommenders` has the model first, then baselines; figures are {value, low, high} over users. `session` is null
    where no user was named. `listening`: the share of users who asked to be spared a kind of thing, whether the model was `told`,
    and where it was not, what lists that heed them would add to `satisfy` and `depth`. `no_vote` says why the figures should not be believed, null where they may."""
    fidelity = participants.fidelity
    return serial.finite(
        {
            "trial": trial.id,
            "users": len(outcome.own.users),
            "page_size": PAGE_SIZE,
            "most_pages": MOST_PAGES,
            "fidelity": {"auc": fidelity.auc, "low": fidelity.low, "high": fidelity.high},
            "no_vote": None if fidelity.beats_chance else NO_VOTE,
            "lacking": list(participants.lacking),
            "recommenders": [_compared(one) for one in outcome.compared],
            "listening": _listening(outcome.listening),
            "session": None if told is None else serial.plain(told),
        }
    )


def _listening(heard: Listening) -> dict[str, Any]:
    return {
        "wished": _mean(heard.wished),
        "told": heard.told,
        "satisfy": _mean(heard.satisfy),
        "depth": _mean(heard.depth),
    }


def _compared(one: Compared) -> dict[str, Any]:
    return {"name": one.name, **_figures(one.figures), "model_ahead_by": _mean(one.ahead)}


def _figures(figures: SessionFigures) -> dict[str, Any]:
    return {
        "satisfy": _mean(figures.satisfy),
        "view": _mean(figures.view),
        "depth": _mean(figures.depth),
        "like": _mean(figures.like),
        "exits": {reason.value: _mean(share) for reason, share in figures.exits.items()},
    }


def _mean(mean: MeanInterval | None) -> dict[str, float] | None:
    return None if mean is None else {"value": mean.value, "low": mean.low, "high": mean.high}

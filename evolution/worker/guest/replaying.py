"""One further training step of the recommender that was watched, kept whole and asked what it does.

It comes after the watched epochs, on a recommender that nobody needs any more, so nothing that a trial trains is touched. Each
question is one function on the kept step; one that fails leaves the others. The answers are plain data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .failures import traceback_of
from .randomness import kept_random_states
from .tracing_frames import Limit, Places, StopTracing

NO_STEP = "no further training step could be kept"


def replay_step(
    candidate: Any,
    epochs: Iterator[Any],
    data: Any,
    *,
    root: str,
    seconds: float,
    settled: bool,
    made_at: Callable[[Any], list[list[Any]]] = lambda tensor: [],
) -> dict[str, Any]:
    """{"format": 1, "note", "error", question: its answer}.

    candidate: the CheckedRecommender. epochs: what its fit() returned; where that has ended, it is trained anew.
    data: the training log. settled: an epoch has just ended, so that what is computed once an epoch is up to date.
    made_at: [[path, line, function]] of where a tensor comes from, nearest first.
    """
    from .step_kept import KeptStep, StepKeeper  # needs torch

    limit, places = Limit(seconds), Places(root)
    document: dict[str, Any] = {"format": 1, "note": NO_STEP, "error": ""}

    def answer(step: KeptStep) -> None:
        document["note"] = ""
        for name, question in _questions(candidate, data, places, settled, made_at).items():
            if limit.reached():
                document["note"] = f"there was no time to ask for {name}, and what comes after it"
                break
            try:
                with kept_random_states():
                    document[name] = question(step)
            except StopTracing:
                continue  # too large for this question
            except Exception as fault:  # noqa: BLE001 -- candidate code is at work in some: its failure is data
                document["error"] = f"{document['error']}{name}: {traceback_of(fault)[-1500:]}\n"[-4000:]

    for steps in (lambda: epochs, lambda: iter(candidate.model.fit())):
        keeper = StepKeeper(places, limit, answer)
        try:
            with keeper:
                next(steps(), None)
        except StopTracing:
            break
        except Exception as fault:  # noqa: BLE001 -- candidate code: its failure is data
            document["error"] = traceback_of(fault)[-4000:]
    return document


def _questions(
    candidate: Any, data: Any, places: Places, settled: bool, made_at: Callable[[Any], list[list[Any]]]
) -> dict[str, Callable[[Any], dict[str, Any]]]:
    from .step_asked import asked
    from .step_attended import attended
    from .step_candidates import wrong_class
    from .step_correction import correction
    from .step_direction import direction
    from .step_features import features
    from .step_future import future
    from .step_guess import guess
    from .step_inputs import inputs
    from .step_layers import layers
    from .step_padding import padding
    from .step_scale import scale
    from .step_serving import serving
    from .step_terms import terms
    from .step_twins import twins

    n_items = int(data.n_items)
    questions: dict[str, Callable[[Any], dict[str, Any]]] = {
        "future": lambda step: future(step, n_items),
        "padding": lambda step: padding(step, n_items),
        "attended": lambda step: attended(step, n_items),
        "correction": lambda step: correction(step, data),
        "twins": lambda step: twins(step, data),
        "features": lambda step: features(step, data, made_at),
        "terms": terms,
        "scale": scale,
        "guess": guess,
        "layers": lambda step: layers(step, n_items),
        "wrong_class": lambda step: wrong_class(step, data),
        "asked": lambda step: asked(candidate, data, places),
        "inputs": lambda step: inputs(step, candidate, data, places),
    }
    if settled:
        questions["direction"] = lambda step: direction(step, candidate, data)
        questions["serving"] = lambda step: serving(step, candidate, data, places)
    return questions

"""Whether the code that draws is meant to draw again what a user has chosen, so that hits by chance are a fault of it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from diagnosis.deciding.decide import walked_to
from diagnosis.deciding.membership import tests_of
from diagnosis.deciding.program import read_program
from diagnosis.deciding.properties import draws
from diagnosis.findings import CodePlace, Measurement, Severity
from diagnosis.probes.negatives import HIT, KEPT

FEWEST = 0.02  # of the draws: fewer cost nothing, and may come of rows whose user was read wrongly


def told_in_vain(measured: Measurement, sources: Mapping[str, str]) -> Measurement:
    """As many hits as by chance are a cause where the code looks for them, and finds none or keeps them.

    sources: path -> text of the measured program.
    """
    if measured.code != KEPT.code or measured.value < FEWEST or not rejects(measured.places, sources):
        return measured
    message = f"{measured.message}, though the code that draws asks for them"
    return replace(measured, code=HIT.code, healthy=False, severity=Severity.WARNING, message=message)


def rejects(seen: Sequence[CodePlace], sources: Mapping[str, str]) -> bool:
    """Whether what is drawn for a look-up is held against a collection where it is drawn.

    seen: lines where the drawn ids were, best first; the last is the one that looks them up.
    """
    program = read_program(sources)
    drawn = draws(program, walked_to(program, seen))
    lines = {(place.path, place.line) for place in seen[:-1]}
    known = [call for call in drawn if (program.paths[call], getattr(call, "lineno", 0)) in lines]
    return any(tests_of(program, call) for call in known or drawn)

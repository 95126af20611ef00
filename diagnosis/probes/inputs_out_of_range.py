"""Does scoring give the model numbers of the range that training gave it?"""

from diagnosis.evidence import Evidence
from diagnosis.findings import FindingKind, FoundBy, Measurement, Role
from diagnosis.probes.probe import Probe
from diagnosis.probes.replayed import answer, of_kept_step, places, unanswered
from diagnosis.symptoms import WEAK
from seeds.amounts import number

KIND = FindingKind(
    code="inputs-out-of-range",
    found_by=FoundBy.PROBE,
    title="Scoring gives what training never gave",
    why="A feature far outside of what was trained drowns all others: a clock in seconds for an age, a price in another currency.",
    definition="Rows that `score` is asked for whose number, given to the model from outside, lies further outside of the range of "
    "the same number in a training step than that range is wide; told where all rows do.",
    roles=(Role.SCORING,),
    explains=("scores-differ-from-training", "overconfidence", "not-learning", *WEAK),
    unit="rows",
    reference="0",
)


def inputs_out_of_range(evidence: Evidence) -> list[Measurement]:
    """Numbers given to the model while scoring, beside those at the same line of a training step."""
    told = answer(evidence, "inputs")
    if not told:
        return unanswered(evidence, (KIND,), "no numbers of a kept step are given by scoring as well")
    where = places(told)
    if not where:
        message = f"what {told['rows']} rows are given from outside is of the range that training has"
        return [of_kept_step(KIND, 0.0, message, (), healthy=True, reference=0.0)]
    low, high = told["trained"]
    message = f"{number(low)} to {number(high)} in training, {number(told['served'][0])} while scoring: the model never saw such a number"
    return [of_kept_step(KIND, float(told["rows"]), message, where, healthy=False, reference=0.0)]


PROBE = Probe(kinds=(KIND,), run=inputs_out_of_range)

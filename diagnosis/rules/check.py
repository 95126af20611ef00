"""All static rules on one file, as the user types."""

from diagnosis.rules.dropout import functional_dropout
from diagnosis.rules.evaluation import grad_at_evaluation, selected_on_test
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.sampling import python_loop_sampling
from diagnosis.rules.shuffle import no_shuffle
from diagnosis.rules.source import read_source
from diagnosis.rules.traffic import host_device_traffic

RULES = (
    no_shuffle,
    functional_dropout,
    host_device_traffic,
    python_loop_sampling,
    grad_at_evaluation,
    selected_on_test,
)


def check_source(path: str, text: str) -> list[RuleHit]:
    """What the rules find in a file, by line. Other files, and text that is no valid Python (yet), have no hits."""
    source = read_source(path, text) if path.endswith(".py") else None
    if source is None:
        return []
    hits = [hit for rule in RULES for hit in rule(source)]
    return sorted(hits, key=lambda hit: (hit.start_line, hit.code))

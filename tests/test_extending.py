"""A probe, a rule and a recipe are one file each and one line in a tuple: all else learns of them from there.

Formats of logs and seeds: `tests/seeds/test_formats.py`.
"""

import subprocess
import sys

PROBE = """
import diagnosis.measure as measure
from diagnosis.findings import FindingKind, FoundBy, Measurement, Role, Severity, Site
from diagnosis.probes.probe import Probe

kind = FindingKind(
    code="shy", title="Shy", why="Nobody is shown anything.", definition="Empty lists.",
    found_by=FoundBy.PROBE, roles=(Role.SCORING,), verifies=("missed-price",),
)
found = Measurement(
    code="shy", value=1.0, low=None, high=None, reference=None, reference_name="", unit="", higher_is_better=False,
    healthy=False, severity=Severity.WARNING, message="all lists are empty",
)
measure.PROBES = (*measure.PROBES, Probe(kinds=(kind,), run=lambda evidence: [found]))

from diagnosis.catalogue import CATALOGUE
from diagnosis.judge import findings
from evolution.coevolution.author import _BUILT_IN
from evolution.literature.library import known_codes, meaning
from evolution.store.documents import finding_document

assert CATALOGUE["shy"] is kind and "shy" in _BUILT_IN and "shy" in known_codes() and meaning("shy").startswith("Shy.")
site = Site(role=Role.SCORING, path="m.py", start_line=2, end_line=2)
(finding,) = findings([found], (), [site], {"m.py": "a = 1\\nscore = a\\n"})
assert finding.anchors[0].text == "score = a" and finding_document(finding)["why"] == kind.why

from evolution.coevolution.unverified import unverified_complaints
from evolution.domain.feedback import Feedback
from simulator.critiques import Critique, Fidelity, Simulation

fidelity = Fidelity(auc=0.9, low=0.8, high=1.0, users=9)
dear = Critique(
    id="c", code="missed-price", positive=False, signal="price", message="Too dear.", count=5, users=9, share=0.5, low=0.3,
    high=0.7, quotes=(), fidelity=fidelity,
)
said = Simulation(users=9, seed=0, fidelity=fidelity, critiques=(dear,), mean_align=None, mean_rating=None, wall_s=0.0)
without = Feedback(trial="t", program="p", created_at=0.0, simulation=said)
with_it = Feedback(trial="t", program="p", created_at=0.0, simulation=said, measurements=(found,))
assert [c.code for c in unverified_complaints(without, ())] == ["missed-price"]
assert unverified_complaints(with_it, ()) == []
"""

RULE = """
import diagnosis.rules.check as check
from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.rule import Rule

kind = FindingKind(
    code="no-prints", title="Print", why="Nobody reads it.", definition="A call of print.",
    found_by=FoundBy.RULE, roles=(Role.LOSS,),
)
calls = lambda source: (source.hit("no-prints", call, "prints") for call in source.calls if source.full_name(call) == "print")
check.RULES = (*check.RULES, Rule(kind=kind, run=calls))

from diagnosis.catalogue import CATALOGUE
from diagnosis.rules.findings import rule_findings
from evolution.literature.library import known_codes
from server.lsp.view import check_rules

(note,) = check_rules("m.py", "x = 1\\nprint(x)\\n")
assert (note.code, note.anchors[0].start_line, note.finding.kind) == ("no-prints", 2, kind)
assert CATALOGUE["no-prints"] is kind and "no-prints" in known_codes()
"""

RECIPE = """
from dataclasses import dataclass
import evolution.recipes.catalogue as catalogue
from evolution.domain.edits import Edit
from evolution.recipes.recipe import Facts, RecipeContext, RecipePatch
from tests.findings import make_finding

@dataclass(frozen=True, kw_only=True)
class Doubled:
    code: str = "doubled"
    title: str = "Double the width"
    rationale: str = "Wider."
    techniques: tuple[str, ...] = ("gbce",)
    triggers: frozenset[str] = frozenset({"overconfidence"})
    promise: float = 1.0

    def make(self, context):
        return RecipePatch(edits=(Edit(path="m.py", old="d = 8", new="d = 16"),), note="")

catalogue.RECIPES = (Doubled(),)

from evolution.literature.library import builtin_library
from evolution.proposers.drafting import draft_all

said = RecipeContext(
    sources={"m.py": "d = 8\\n"}, facts=Facts(n_users=1, n_items=1), findings=[make_finding("overconfidence")]
)
(((idea, patch),), ()) = draft_all(said)
assert idea.code == "doubled" and "2308.07192" in idea.rests_on[0] and patch.edits[0].new == "d = 16"
assert builtin_library().recipes["gbce"] == "doubled"
"""


def run(script: str) -> None:
    """In a process of its own, because the tuples are read when the modules are imported."""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_probe_is_one_file_and_one_line() -> None:
    run(PROBE)


def test_a_rule_is_one_file_and_one_line() -> None:
    run(RULE)


def test_a_recipe_is_one_file_and_one_line() -> None:
    run(RECIPE)

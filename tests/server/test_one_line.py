"""Every kind of finding reads as one short line: its title, then its number, in one style of numbers; in a row the number comes first."""

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from diagnosis.catalogue import CATALOGUE, kind_of
from diagnosis.findings import Finding, FoundBy, Severity
from diagnosis.rules.check import RULES, check_source
from evolution.domain.proposal import Effect, Idea, Patch, Proposal, Verified
from seeds.amounts import amount, figure, number, percent, percent_within, short
from server.shown.notes import of_critique
from server.shown.rows import TITLE, figure_of, line, patch_row, row
from server.shown.wording import LINE, with_interval
from simulator.critiques import Critique, Fidelity
from simulator.messages import MESSAGES
from tests.conftest import ROOT
from tests.diagnosis.test_rule_examples import examples
from tests.one_line import faults

NARROW = 28  # characters that a row shows at 1024 x 700 with the side bar as wide as it comes
SOURCES = (
    *sorted((ROOT / "diagnosis/probes").glob("*.py")),
    *sorted((ROOT / "diagnosis/rules").glob("*.py")),
    *sorted((ROOT / "diagnosis/streams").glob("*.py")),
    *(
        path
        for path in sorted((ROOT / "evolution/trials").glob("*.py"))
        if re.match("contract|asking|restoring|embedding|numbering", path.name)
    ),
)


def found(code: str, message: str) -> Finding:
    return Finding(id="f", kind=kind_of(code), severity=Severity.WARNING, message=message, anchors=())


@pytest.mark.parametrize(
    ("code", "message", "shown", "narrow"),
    [
        ("overconfidence", "top-1 .85, right .07", "Overconfident: top-1 .85, right .07", ".85 overconfident"),
        (
            "weaker-than-ease",
            "NDCG@10 .043, EASE .212 on the same users (difference -.169 [-.207, -.134])",
            "Weaker than EASE: NDCG@10 .043, EASE .212 on the same users",
            ".043 weaker than EASE",
        ),
        (
            "gradients-not-cleared",
            "37 of 38 steps began with the gradient of the step before: nothing clears them",
            "Gradients are never cleared: 37 of 38 steps began with the gradient of the step before",
            "37 of 38 gradients are never cleared",
        ),
        (
            "padding-attended",
            "64 % of the attention of 109 short histories goes to padding, which no mask hides",
            "Padding gets attention: 64 % of the attention of 109 short histories goes to padding",
            "64 % padding gets attention",
        ),
        (
            "constant-loss",
            "the loss was .693 at each of 38 steps",
            "The loss is the same at every step: the loss was .693 at each of 38 steps",
            ".693 the loss is the same at every step",
        ),
        (
            "not-converged",
            "epoch 6 of 6 (60 optimizer steps) had the best objective",
            "Not converged: epoch 6 of 6 (60 optimizer steps) had the best objective",
            "Not converged: epoch 6 of 6 (60 optimizer steps) had the best objective",
        ),
        (
            "parameter-lost",
            "the layers stand in a plain list",
            "the layers stand in a plain list",
            "the layers stand in a plain list",
        ),
    ],
)  # fmt: skip
def test_a_finding_has_its_title_then_its_number_and_in_a_row_the_number_first(
    code: str, message: str, shown: str, narrow: str
) -> None:
    assert (line(found(code, message)), row(found(code, message))) == (shown, narrow)


@pytest.mark.parametrize(
    ("message", "first"),
    [
        ("NDCG@10 .184 of top-1", ".184"),
        ("27 % [21, 34] of 200 users: prices are away", "27 % [21, 34]"),
        ("200x64 at m.py:41, `lr=0.1`, id 3", ""),
        ("20 steps without a gradient", "20"),
        ("id 3 pads 38 % of all entries", "38 %"),
        ("1.2e-05 times", "1.2e-05"),
        ("12,345 of 20,000 rows", "12,345 of 20,000"),
        ("no number", ""),
    ],
)
def test_a_number_is_what_was_measured_and_no_part_of_a_name(message: str, first: str) -> None:
    assert figure_of(found("overconfidence", message)) == first


def test_the_line_of_every_kind_has_room_for_its_number() -> None:
    """Also with the longest title there is, and where the editor says first that an earlier version was measured."""
    most = LINE - len("earlier version: ")
    for kind in CATALOGUE.values():
        shown = line(
            found(
                kind.code,
                "12,345 of 20,000 rows are another's, at 4.3 % of the places, which is more than by chance",
            ),
            most,
        )
        assert len(shown) <= most, shown
        if kind.found_by is not FoundBy.RULE:
            assert len(kind.title) <= TITLE, f"{kind.code}: a title of {len(kind.title)} characters"
            assert "12,345 of 20,000" in shown, shown
            assert row(found(kind.code, "4.3 % of rows"))[:NARROW].startswith("4.3 %"), kind.code


def test_what_a_rule_says_is_one_line_in_the_one_style() -> None:
    said = {
        (hit.code, hit.message)
        for code, word, text in examples()
        if word == "bad"
        for hit in check_source("m.py", text, {})
        if hit.code == code
    }
    assert {code for code, _ in said} == {kind.code for rule in RULES for kind in rule.kinds}
    assert [fault for code, message in sorted(said) for fault in faults(kind_of(code), message)] == []


@pytest.mark.parametrize("code", [code for code in MESSAGES if not code.startswith("liked")])
def test_a_complaint_has_its_share_first(code: str) -> None:
    critique = Critique(
        id="c", code=code, positive=False, signal=code.partition("-")[2], message=f"{percent_within(0.27, 0.21, 0.34)} of 200 users: {MESSAGES[code]}",
        count=54, users=200, share=0.27, low=0.21, high=0.34, quotes=(), fidelity=Fidelity(auc=0.8, low=0.7, high=0.9, users=50),
    )  # fmt: skip
    told = of_critique(critique, ()).finding
    assert (
        line(told).startswith(f"{told.kind.title}: 27 % [21, 34] of 200 users: ") and len(line(told)) <= LINE
    )
    assert row(told) == f"27 % [21, 34] {told.kind.title.lower()}"


def test_a_patch_has_its_gain_first() -> None:
    idea = Idea(
        code="x", title="Full softmax loss", rationale="", addresses=(), rests_on=(), proposer="recipe"
    )
    effect = Effect(metric="objective", before=0.2, after=0.224, low=0.004, high=0.044)
    patch = Proposal(
        id="p",
        idea=idea,
        patch=Patch(base="a", edits=()),
        parent="a",
        child="b",
        trials=(),
        verified=Verified.GAIN,
        effect=effect,
    )
    assert patch_row(patch) == "+12 % [+2, +22] full softmax loss"
    assert patch_row(replace(patch, idea=replace(idea, title="gBCE loss"))) == "+12 % [+2, +22] gBCE loss"
    assert (
        patch_row(replace(patch, effect=replace(effect, before=0.0, after=0.03)))
        == "+.030 [+.004, +.044] full softmax loss"
    )
    assert patch_row(replace(patch, effect=None)) == "Full softmax loss"


def test_numbers_are_written_in_one_style() -> None:
    assert [percent(x) for x in (0.85, 0.043, 0.0037, 0.0004, 0.997, 0.99999, 1.0, 0.0, 2.5, -0.05)] == [
        "85 %", "4.3 %", ".4 %", ".04 %", "99.7 %", "99.9 %", "100 %", "0 %", "250 %", "-5.0 %",
    ]  # fmt: skip
    assert [short(x) for x in (0.85, 0.0712, 0.0, 3, 12.34, 0.999)] == [
        ".85",
        ".07",
        "0",
        "3",
        "12.3",
        ".999",
    ]
    assert [number(x) for x in (0.184, 1.5, 12345, 0.00001)] == [".184", "1.5", "12,345", "1.0e-05"]
    assert (amount(0.64, "share of attention"), amount(53.2, "dimensions"), amount(0.5, "share")) == (
        "64 % of attention", "53.2 dimensions", "50 %",
    )  # fmt: skip
    assert figure(0.64, "shared rows") == ".640", "another unit that begins like it"
    assert with_interval(0.64, 0.6, 0.68, "share of attention") == "64 % of attention, 95 % [60, 68] %"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_no_message_formats_a_number_on_its_own(path: Path) -> None:
    """Messages of checks write measured numbers by `number`, `short`, `percent` or `amount`; whole numbers and literals of code are free."""
    assert [f"{path}:{row}: {spec}" for row, spec in _formats(path) if re.search(r"[1-9][efg]|%", spec)] == []


def _formats(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FormattedValue) and isinstance(node.format_spec, ast.JoinedStr):
            yield (
                node.lineno,
                "".join(
                    str(part.value) for part in node.format_spec.values if isinstance(part, ast.Constant)
                ),
            )


def test_a_message_that_would_be_cut_before_its_number_or_has_another_style_is_refused() -> None:
    kind = kind_of("overconfidence")
    assert faults(kind, "top-1 .85, right .07") == []
    assert (
        "comes after" in faults(kind, "the top item of the list of a user has a mean probability of .85")[0]
    )
    assert "'0.8'" in faults(kind, "top-1 0.85")[0] and "'7%'" in faults(kind, "right in 7% of rows")[0]
    assert faults(kind, "with `lr=0.1` at model.py:41, 4.3 % of rows") == []

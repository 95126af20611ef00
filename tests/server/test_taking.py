"""Hunks taken in any order, with other edits between them: the text becomes what the patch says, or nothing happens."""

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from evolution.base.errors import EditError
from evolution.domain.edits import Edit, apply_edits, make_edits
from evolution.domain.proposal import Idea, Patch, Proposal, Verified
from evolution.repo.applying import changed_files, is_applied
from server.lsp.taking import all_hunks, check_taking, hunks_of, misfit, rest_of

PATH = "m.py"
IDEA = Idea(code="x", title="t", rationale="", addresses=(), rests_on=(), proposer="recipe")
LINES = st.lists(st.sampled_from(["a", "b", "c", "", "  d", "e = 1", "é😀"]), max_size=12)


def proposal(edits):
    return Proposal(
        id="p", idea=IDEA, patch=Patch(base="b", edits=tuple(edits)), parent="p", child="c", trials=(),
        verified=Verified.GAIN, effect=None,
    )  # fmt: skip


def text_of(lines, ending="\n"):
    return "".join(line + ending for line in lines)


@settings(max_examples=200, deadline=None)
@given(LINES, LINES, st.randoms(use_true_random=False), st.sampled_from(["\n", "\r\n"]))
def test_whatever_the_order_the_rest_makes_it_whole_or_is_refused(before, after, random, ending):
    before, after = text_of(before, ending), text_of(after, ending)
    edits = make_edits(PATH, before, after)
    assume(before and len(edits) > 1)
    wanted, text, taken = apply_edits({PATH: before}, edits)[PATH], before, set()
    order = list(range(len(edits)))
    random.shuffle(order)
    for index in order:
        hunk = hunks_of(proposal(edits), PATH, taken, {PATH: text}.get)[index]
        if hunk.unfit or hunk.taken:
            break
        try:
            check_taking([edits[index]], {PATH: text}.get)
        except EditError:
            break
        text = apply_edits({PATH: text}, [edits[index]])[PATH]
        taken.add(("p", PATH, index))
        try:
            whole = changed_files(
                rest_of(proposal(edits), taken, {PATH: text}.get).patch.edits, {PATH: text}.get
            )
        except EditError:
            continue
        assert whole[PATH] == wanted
    else:
        assert text == wanted


@settings(max_examples=200, deadline=None)
@given(LINES, LINES, LINES, st.sets(st.integers(0, 5)))
def test_in_other_text_what_is_left_is_exact_or_refused(before, after, other, taken):
    """Whatever stands there: each hunk that is left replaces its own lines, found once, and nothing else."""
    before, after, other = text_of(before), text_of(after), text_of(other)
    edits = make_edits(PATH, before, after)
    assume(before and edits)
    marks = {("p", PATH, index) for index in taken}
    read = {PATH: other}.get
    if misfit(proposal(edits), marks, read) or is_applied(edits, read):
        return
    left = rest_of(proposal(edits), marks, read).patch.edits
    assert changed_files(left, read)[PATH] == apply_edits({PATH: other}, left)[PATH]


def test_a_hunk_that_writes_what_another_takes_away_is_not_guessed_at():
    patch = proposal([Edit(path=PATH, old="a", new=""), Edit(path=PATH, old="x", new="a")])
    assert all(
        hunk.unfit or hunk.taken for hunk in hunks_of(patch, PATH, all_hunks(patch), {PATH: "m\na\n"}.get)
    )

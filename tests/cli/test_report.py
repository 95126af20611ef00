"""The report: everything that is stored on one page, honest about what is not, safe to open and to send."""

import json
import re
from dataclasses import replace

import pytest

from evolution.domain.job import JobKind, JobRecord, JobState
from evolution.domain.proposal import ProposalState
from evolution.domain.trial import TrialStatus
from evolution.store.store import Store
from server.cli.report import stored_document
from server.report.document import report_document
from server.report.lineage import lineage
from server.report.repo_page import repo_page
from server.report.trials_plot import trials_plot
from tests.cli.html_page import Page
from tests.cli.report_store import HOSTILE, MODEL, fill, trial


@pytest.fixture
def filled(repo):
    return fill(repo)


@pytest.fixture
def page(repo, filled) -> Page:
    return Page(repo_page(stored_document(repo, "")))


def test_the_page_is_written_beside_the_repo_and_changes_nothing_in_it(evolverec, repo, filled, git):
    answer = evolverec("report", repo)
    written = repo / ".evolverec" / "report.html"
    assert answer.code == 0 and str(written) in answer.out
    assert Page(written.read_text()).problems == []
    assert git("status", "--porcelain") == ""
    assert stored_document(repo, "")["version"]["same_as_disk"] is True


def test_out_names_the_file_and_json_is_the_whole_document(evolverec, repo, filled, tmp_path):
    document = evolverec("report", repo, "--out", tmp_path / "r.html", "--json").document
    assert document["page"] == str(tmp_path / "r.html") and (tmp_path / "r.html").exists()
    assert document["run"]["run"] == filled.run.id
    assert [row["order"] for row in document["tried"]] == [0, 1, 2, 3, 4]
    assert document["best"]["id"] == filled.best.id


def test_every_figure_stands_with_its_interval_or_is_said_to_have_none(page):
    for words in (
        ".142 [.138, .146]", "What stands without brackets has no interval", "+.029 (+20 %) [+.021, +.035]",
        ".720 quantile, 95 % [.700, .740]", "real choices: .500", "48 % [43, 53] of 200", "AUC .860 [.830, .890]",
        ".136 [.130, .140]", "moved from .720 to .510 (as intended, now healthy), no interval",
    ):  # fmt: skip
        assert words in page.text, words


def test_what_was_tried_stands_with_its_outcome(page):
    for words in ("✓ verified gain", "pruned: far behind", "failed: crash: boom", "not made: no edit"):
        assert words in page.text, words
    assert "on top of 1" in page.text


def test_findings_before_and_after_say_what_became_of_each(repo, filled, page):
    outcome = {row["code"]: row["outcome"] for row in stored_document(repo, "")["findings"]}
    assert outcome == {
        "popularity-bias": "gone", "loss-of-probabilities": "gone", "embedding-collapse": "new",
        "evolved-missed-price": "unknown",  # its probe did not measure the patched version
    }  # fmt: skip
    assert "✓ gone" in page.text and "! new" in page.text and "no longer seen in the code" in page.text


def test_what_an_llm_wrote_or_played_is_marked_in_words(page):
    for words in (
        f"by the LLM {MODEL}", f"played by the LLM {MODEL}", f"written by the LLM {MODEL}",
        "Opinions of a language model",
    ):  # fmt: skip
        assert words in page.text, words


FIGURE = {"value": 6.25, "low": 6.0, "high": 6.5}
SHARE = {"value": 0.25, "low": 0.2, "high": 0.3}
EXITS = dict.fromkeys(("enough", "disappointed", "bored", "ran-out", "last-page"), SHARE)
TOLD = {
    "user": f"u-9 {HOSTILE}", "persona": "comes rarely", "history": ["Book one"], "satisfy": 5.5, "left": "I left with nothing.", "heard": False,
    "pages": [{"felt": 5.0, "trust": 0.5, "mood": "I expect little.", "wish": "No more Crime for now, please.", "items": [
        {"rank": 1, "title": f"Book two {HOSTILE}", "taken": True, "rating": 4, "reason": "It fits."},
        {"rank": 2, "title": "Lamp", "taken": False, "rating": None, "reason": "Not for me."}]}],
}  # fmt: skip


def held(trial_id: str, at: float, told: object) -> JobRecord:
    """A finished job of `simulate --session`."""
    compared = [
        {"name": name, "satisfy": FIGURE, "view": SHARE, "depth": FIGURE, "like": None, "exits": EXITS,
         "model_ahead_by": None if name == "model" else {"value": 1.25, "low": 1.0, "high": 1.5}}
        for name in ("model", "popularity")
    ]  # fmt: skip
    result = {
        "trial": trial_id, "users": 200, "page_size": 10, "most_pages": 10, "fidelity": {"auc": 0.86, "low": 0.83, "high": 0.89},
        "no_vote": None, "lacking": ["no prices: nobody goes by what a thing costs"], "recommenders": compared, "session": told,
        "listening": {"wished": SHARE, "told": False, "satisfy": FIGURE, "depth": FIGURE},
    }  # fmt: skip
    return JobRecord(
        id=f"sessions-{at}", kind=JobKind.SESSIONS, state=JobState.DONE, created_at=at, result=result
    )


def test_whole_sessions_stand_with_the_baselines_and_one_user_is_followed_page_by_page(repo, filled):
    assert "simulate DIR --session" in Page(repo_page(stored_document(repo, ""))).text
    with Store.open(repo) as store:
        store.put_job(held(filled.version.id, 1.0, TOLD))
        store.put_job(held(filled.version.id, 2.0, None))  # newer, and tells no user
        store.put_job(held("another trial", 3.0, {**TOLD, "user": "somebody else"}))
    html = repo_page(stored_document(repo, ""))
    page = Page(html)
    assert page.problems == [] and "<script>alert" not in html
    for words in (
        "6.25 [6, 6.5]", "1.25 [1, 1.5]", "25 % [20, 30]", "best-sellers", "too little fitted", "Before: Book one", "rated 4 of 5",
        "I expect little.", "Not for me.", "I left with nothing. Satisfy 5.5 of 10", "no prices: nobody goes by what a thing costs.",
        "No more Crime for now, please.” (your model offers no instruct() and was not told)",
        "25 % [20, 30] of them asked to be spared a kind of thing", "would add 6.25 [6, 6.5] to Satisfy",
    ):  # fmt: skip
        assert words in page.text, words
    assert "somebody else" not in page.text


def test_cost_tells_trials_seconds_tokens_and_dollars_against_their_limits(page):
    for words in ("3 of 12", "6 of training", "1,234 in 1 exchanges, 1 of them estimated", "0.0421 of 1.00"):
        assert words in page.text, words


def test_admitted_probes_say_why_and_refused_ones_are_counted(page):
    assert (
        "admitted because it tells good from bad" in page.text
        and "1 more were tried and refused" in page.text
    )


def test_texts_of_others_are_escaped_wherever_they_stand(page):
    assert page.text.count(HOSTILE) >= 8
    assert "script" not in page.tags and "img" not in page.tags


def test_nothing_outside_the_page_is_loaded_and_only_citations_are_linked(page):
    outside = {link for link in page.links if not link.startswith("#")}
    assert outside == {"https://arxiv.org/abs/2308.07192"}
    assert not re.search(r"@import|url\(|<script|<link|<iframe", page.html)
    assert "prefers-color-scheme: dark" in page.html and "@media print" in page.html
    assert page.html.count('name="theme"') == 3 and page.html.count("--paper: #16181d") == 2


def test_tables_have_captions_and_the_figure_a_text_in_its_place(page):
    assert page.problems == []
    assert page.tags.count("table") == page.tags.count("caption")
    assert page.tags.count("svg") == page.html.count('role="img"') == page.tags.count("desc") == 1


def test_the_diff_of_the_best_is_whole(page, filled):
    for line in filled.best.details["diff"].splitlines():
        assert re.sub(r"\s+", " ", line).strip() in page.text


def test_without_a_run_the_trials_of_propose_are_shown(repo):
    filled = fill(repo, with_run=False)
    document = stored_document(repo, "")
    assert document["run"] is None
    assert [row["proposal"] for row in document["tried"]] == [None, filled.best.id]
    assert "there was no run" in Page(repo_page(document)).text


def test_a_run_can_be_named_and_a_wrong_one_is_refused(evolverec, repo, filled):
    assert stored_document(repo, filled.run.id[:5])["run"]["run"] == filled.run.id
    refused = evolverec("report", repo, "--run", "none")
    assert refused.code == 2 and "evolverec runs" in refused.err


def test_a_run_that_has_tried_nothing_yet_hides_nothing(repo, filled):
    started = replace(
        filled.run,
        id="fresh",
        terms=replace(filled.run.terms, seed=1),
        nodes=filled.run.nodes[:1],
        created_at=2e9,
    )
    with Store.open(repo) as store:
        store.put_run(started)
    assert stored_document(repo, "")["run"]["run"] == filled.run.id


def test_a_best_patch_from_elsewhere_says_so(repo, filled):
    with Store.open(repo) as store:
        store.put_run(replace(filled.run, nodes=(filled.run.nodes[0], filled.run.nodes[2])))
    assert "not found by the run above" in Page(repo_page(stored_document(repo, ""))).text


def test_a_dismissed_patch_is_not_the_best_though_it_was_tried(repo, filled):
    with Store.open(repo) as store:
        store.set_proposal_state(filled.best.id, ProposalState.DISMISSED)
    document = stored_document(repo, "")
    assert document["best"] is None and document["tried"][1]["verified"] == "gain"
    assert "what was verified was dismissed" in Page(repo_page(document)).text


def test_files_that_changed_since_are_told(repo, filled):
    with (repo / "shelf.py").open("a") as file:
        file.write("# more\n")
    assert "Your files have changed since" in Page(repo_page(stored_document(repo, ""))).text


def test_an_empty_repo_has_a_page_that_names_the_next_command(evolverec, tmp_path):
    answer = evolverec("report", tmp_path)
    assert answer.code == 0
    page = Page((tmp_path / ".evolverec" / "report.html").read_text())
    assert page.problems == []
    assert "Nothing has run here yet" in page.text and "evolverec train DIR" in page.text


def test_a_repo_where_nothing_but_a_failure_is_known_says_why(repo):
    with Store.open(repo) as store:
        store.put_trial(trial("trial000000f", "p", TrialStatus.FAILED))
    page = Page(repo_page(stored_document(repo, "")))
    assert "The newest trial failed (crash) at shelf.py:3 : boom" in page.text


def test_a_trial_alone_says_what_is_missing_and_how_to_get_it(repo):
    with Store.open(repo) as store:
        store.put_trial(trial("trial0000009", "other"))
        alone = Page(repo_page(report_document(repo, store, trial("trial0000009", "other"))))
    for words in ("was not diagnosed", "evolverec simulate DIR", "None yet", "never read"):
        assert words in alone.text, words
    assert alone.problems == []


@pytest.mark.parametrize("with_run", [True, False])
def test_whoever_has_measured_a_newer_version_still_sees_where_it_came_from(repo, with_run):
    filled = fill(repo, with_run=with_run)
    newer = trial("trial0000009", "other", value=0.1888)
    with Store.open(repo) as store:
        store.put_trial(newer)
        document = report_document(repo, store, newer)
    assert document["version"]["trial"] == filled.version.id
    text = Page(repo_page(document)).text
    assert "You have measured another version since" in text and ".189 [.185, .193]" in text


def test_a_folder_as_out_is_refused_in_words(evolverec, repo, filled, tmp_path):
    refused = evolverec("report", repo, "--out", tmp_path)
    assert refused.code == 2 and "cannot be written" in refused.err and "--out" in refused.err


def test_two_hundred_trials_are_a_page_of_some_kilobytes_each(repo, filled):
    nodes = list(filled.run.nodes)
    with Store.open(repo) as store:
        for order in range(len(nodes), 205):
            program = f"p{order}"
            store.put_trial(trial(f"trial{order:07d}", program))
            store.put_proposal(
                replace(filled.best, id=f"{order:010d}", child=program, trials=(f"trial{order:07d}",))
            )
            nodes.append(
                replace(
                    nodes[1],
                    order=order,
                    program=program,
                    trial=f"trial{order:07d}",
                    parent=f"p{order - 1}" if order > len(filled.run.nodes) else filled.best.child,
                    proposal=f"{order:010d}",
                )
            )
        store.put_run(replace(filled.run, nodes=tuple(nodes)))
        version = store.trial(filled.version.id)
        html = repo_page(report_document(repo, store, version))
    assert Page(html).problems == []
    assert len(html) < 205 * 10_000


def test_one_long_chain_is_no_deep_recursion():
    rows = [{"order": order, "parent_order": order - 1} for order in range(3000)]
    steps = lineage(rows)
    assert [step.row["order"] for step in steps] == list(range(3000))
    assert sum(step.opens for step in steps) == sum(step.closes for step in steps) == 2999


def test_lineage_puts_each_below_its_parent():
    rows = [{"order": o, "parent_order": p} for o, p in ((0, -1), (1, 0), (2, 0), (3, 1), (4, 2))]
    assert [step.row["order"] for step in lineage(rows)] == [0, 1, 3, 2, 4]


def test_the_stair_of_the_best_never_falls_and_an_untrained_idea_has_no_place(repo, filled):
    plot = trials_plot(stored_document(repo, "")["tried"])
    assert [mark.order for mark in plot.marks] == [0, 1, 2, 3]
    assert [mark.y is None for mark in plot.marks] == [False, False, True, True]
    heights = [float(point.split(",")[1]) for point in plot.best.split()]
    assert heights == sorted(heights, reverse=True)  # SVG counts downwards
    assert [(mark.by_llm, mark.verified) for mark in plot.marks[:2]] == [(False, False), (True, True)]


def test_the_document_has_its_promised_shape(repo, filled, fits):
    maybe = (float, type(None))
    figure = {"value": float, "low": maybe, "high": maybe}
    trial = {
        "trial": str,
        "status": str,
        "metrics": {"NDCG@10": figure},
        "objective": figure,
        "test_reads": int,
    }
    row = {
        "order": int,
        "parent_order": int,
        "title": str,
        "status": str,
        "seeds": int,
        "why": (str, type(None)),
    }
    finding = {"code": str, "severity": str, "message": str, "outcome": str, "places": [str]}
    users = {"users": int, "fidelity": {"auc": float}, "critiques": list, "asked_after": bool}
    shape = {
        "name": str, "made_at": float, "version": {**trial, "same_as_disk": bool}, "run": {"run": str, "spent": dict},
        "tried": [row], "best": {"id": str, "patch": str, "trial": trial}, "findings": [finding],
        "users": [users], "probes": [{"name": str, "sentence": str}], "probes_rejected": int, "running": [str],
        "spent": {"trials": int, "trials_s": float, "tokens": int, "usd": float},
    }  # fmt: skip
    fits(stored_document(repo, ""), shape)


def test_a_run_tells_its_cost_by_trial_and_by_role(repo, filled):
    roles = stored_document(repo, "")["run"]["roles"]
    assert [(cost["role"], cost["tokens"], cost["usd"]) for cost in roles] == [
        ("planner", 1000.0, 0.04),
        ("persona", 234.0, 0.0021),
    ]


def test_the_document_is_json_without_nan(repo, filled):
    json.dumps(stored_document(repo, ""), allow_nan=False)

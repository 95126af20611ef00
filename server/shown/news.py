"""What is told once when a job has brought something: one line, and the patch that it is about. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from diagnosis.findings import Severity
from evolution.base.amounts import count, number
from evolution.domain.feedback import Feedback
from evolution.domain.job import JobKind
from evolution.domain.proposal import PROMISING, Corrected, Effect, Proposal, Verified
from evolution.domain.trial import Metric, Trial, TrialStatus
from server.shown.knowledge import Knowledge
from server.shown.troubles import LONGEST
from server.shown.wording import difference, gain, headline, kept_effect, proposal_title, spread

SHOWN_METRIC = "NDCG@10"
SAME_FIGURES = "(every figure as before)"  # of a repair that was seen to change none
Document = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class News:
    """proposal: id of the patch that it is about, "" for none. verified: that patch can be applied. promising: further seeds
    decide on it. code: of the finding that has a page on it, "" for none.
    """

    message: str
    proposal: str = ""
    verified: bool = False
    promising: bool = False
    code: str = ""


def of_patch(proposal: Proposal) -> News | None:
    """A patch that was verified, or that one seed promises; None for any other."""
    if proposal.verified is not Verified.NO:
        return News(message=f"Verified: {proposal_title(proposal)}", proposal=proposal.id, verified=True)
    if proposal.details.get(PROMISING):
        return News(
            message=f"Promising: {proposal_title(proposal)}. Further seeds decide",
            proposal=proposal.id,
            promising=True,
        )
    return None


def of_job(kind: JobKind, document: Document, known: Knowledge) -> News | None:
    """What a job that ended well brought; None for a kind whose result is looked at elsewhere.

    document: the job's result. known: the repo after the job.
    """
    match kind:
        case JobKind.TRAIN:
            return News(message=of_training(known, str(document["trial"])))
        case JobKind.DIAGNOSE:
            return News(message=f"Diagnosed: {diagnosed_words(document)}")
        case JobKind.SIMULATE:
            return News(message=f"Users asked: {users_words(document)}")
        case JobKind.SESSIONS:
            return News(message=f"Sessions held: {sessions_words(document)}")
        case JobKind.IMPROVE:
            found = _of_patches(document)
            return News(message=improved_words(document), proposal=found.proposal, verified=found.verified)
        case JobKind.PROPOSE | JobKind.TUNE:
            return _of_patches(document)
        case JobKind.VERIFY:
            return _of_verification(document)
        case JobKind.EXPLAIN:
            cause = headline(" ".join(str(document["cause"]).split()), LONGEST)
            return News(
                message=f"{document['model']} on {document['code']}: {cause}", code=str(document["code"])
            )
        case JobKind.EVOLVE:
            return _of_run(document)
        case _:
            return None


def sessions_words(document: Document) -> str:
    """`Satisfy 5.49 ± .13, Markov 4.84, of 200 simulated users; the report tells the session of user 7`."""
    own, *others = document["recommenders"]
    satisfy = own["satisfy"]
    words = [f"Satisfy {spread(Metric(value=satisfy['value'], low=satisfy['low'], high=satisfy['high']))}"]
    words += [f"Markov {number(one['satisfy']['value'])}" for one in others if one["name"] == "markov"]
    user = (
        headline(" ".join(str(document["session"]["user"]).split()), LONGEST) if document["session"] else ""
    )
    told = f"; the report tells the session of user {user}" if user else ""
    return f"{', '.join(words)}, of {count(document['users'], 'simulated user')}{told}"


def of_training(known: Knowledge, trial: str) -> str:
    """`Trained: NDCG@10 .184 → .216 ± .034, 2 findings healed, 1 new`, against the version that was measured before it."""
    trials = list(known.trials)
    at = next((index for index, one in enumerate(trials) if one.id == trial), None)
    if at is None:
        return "Trained"
    before = next((one for one in trials[at + 1 :] if _is_other_version(one, trials[at])), None)
    words = [f"Trained: {_moved(before, trials[at])}"]
    feedback = {one.id: said for one, said in known.history}
    if before is not None and before.id in feedback and trial in feedback:
        told = [(before, feedback[before.id]), (trials[at], feedback[trial])]
        was, now = (_wrong(said, known) for _, said in told)
        was_seen, now_seen = (_only_asked(*one) for one in told)
        healed = was - now - (frozenset() if feedback[trial].examined else was_seen)
        new = now - was - (frozenset() if feedback[before.id].examined else now_seen)
        words += [f"{count(len(healed), 'finding')} healed"] if healed else []
        words += [f"{len(new)} new"] if new else []
    return ", ".join(words)


def _is_other_version(one: Trial, than: Trial) -> bool:
    """Whether a trial is of another version, and was trained and measured on the same data and split."""
    same_data = one.key.data == than.key.data and not one.key.checkpoint
    return same_data and one.status is TrialStatus.COMPLETE and one.key.program != than.key.program


def _wrong(feedback: Feedback, known: Knowledge) -> frozenset[str]:
    """Codes of what costs accuracy and is shown; ids differ from version to version."""
    return frozenset(
        f.code
        for f in feedback.all_findings()
        if f.severity is not Severity.INFORMATION
        and f.id not in known.dismissed
        and not any(entry.covers(f.code, f.anchors) for entry in known.accepted)
    )


def _only_asked(trial: Trial, feedback: Feedback) -> frozenset[str]:
    """Codes that only the examined model showed: a version that was trained and not examined cannot have healed them."""
    asked, smoke = (
        {one.code for one in checks if one.passed is False} for checks in (feedback.asked, trial.contract)
    )
    return frozenset(asked - smoke)


def _moved(before: Trial | None, after: Trial) -> str:
    name = SHOWN_METRIC if SHOWN_METRIC in after.metrics else next(iter(after.metrics), "")
    if not name:
        return "no metrics"
    was = before.metrics.get(name) if before is not None else None
    return f"{name} {f'{number(was.value)} → ' if was else ''}{spread(after.metrics[name])}"


def _figure(metrics: Document) -> str:
    name = SHOWN_METRIC if SHOWN_METRIC in metrics else next(iter(metrics), "")
    if not name:
        return "no metrics"
    found = metrics[name]
    return f"{name} {spread(Metric(value=found['value'], low=found['low'], high=found['high']))}"


def diagnosed_words(document: Document) -> str:
    """The result of `diagnose`: `3 findings`, or how many remarks there are, such as `not converged`, and how many checks were healthy."""
    wrong = [one for one in document["findings"] if one["severity"] != Severity.INFORMATION.value]
    if wrong:
        return count(len(wrong), "finding")
    remarks = len(document["findings"])
    told = count(remarks, "remark") if remarks else "no findings"
    return f"{told}, {count(len(document['verdict']['healthy']), 'check')} healthy"


def users_words(document: Document) -> str:
    """The result of `simulate`: `200 users, 2 complaints`, or that what they say does not count."""
    asked = count(document["users"], "user")
    if document["no_vote"]:
        return f"{asked}, at the level of chance, so what they say does not count"
    complaints = [one for one in document["critiques"] if not one["positive"]]
    return f"{asked}, {count(len(complaints), 'complaint')}" if complaints else f"{asked}, no complaint"


def improved_words(document: Document) -> str:
    """The result of `improve`: `NDCG@10 .184 ± .034; 3 findings; 200 users, 2 complaints; 2 of 4 patches verified, best: ...`."""
    words = (
        _figure(document["train"]["metrics"]),
        diagnosed_words(document["diagnosis"]),
        users_words(document["users"]),
        _of_patches(document, _in_metric).message,
    )
    return "; ".join(words)


def _in_objective(proposal: Document) -> str:
    """`+20 % [+15, +25]`, or that every figure is as before; "" for what was not measured to the end."""
    found = kept_effect(*_effects(proposal))
    return gain(found) if found else SAME_FIGURES if proposal["verified"] else ""


def _in_metric(proposal: Document) -> str:
    """`NDCG@10 +.087 [+.051, +.120]`, as beside other figures of that metric; what is left after a choice is known of the objective alone."""
    shown = proposal["effects"].get(SHOWN_METRIC)
    if proposal["effect"] is None:
        return _in_objective(proposal)
    if shown is None or proposal["corrected"]:
        return f"objective {_in_objective(proposal)}"
    return difference(Effect(**shown))


def _effects(proposal: Document) -> tuple[Effect | None, Corrected | None]:
    effect, corrected = proposal["effect"], proposal["corrected"]
    return (
        Effect(**effect) if effect else None,
        Corrected(**corrected, rivals=()) if corrected else None,
    )


def _of_patches(document: Document, figure: Callable[[Document], str] = _in_objective) -> News:
    """`2 of 4 patches verified, best: Full softmax loss +20 % [+15, +25]`. figure: the gain of one."""
    proposals: Sequence[Document] = document.get("proposals") or ()
    more = document.get("more_training")
    if more and not more["converged"]:
        return News(message=str(more["words"]))
    verified = [one for one in proposals if one["verified"]]
    if not proposals:
        return News(message="no patch fits this code")
    if not verified:
        return News(message=f"{_patches(len(proposals))} tried, none verified")
    best = verified[0]
    return News(
        message=f"{len(verified)} of {_patches(len(proposals))} verified, best: {best['title']} {figure(best)}",
        proposal=str(best["id"]),
        verified=True,
    )


def _of_verification(document: Document) -> News:
    """`Verified: Full softmax loss +20 % [+15, +25]`, or that it is not, and why."""
    one = document["proposals"][0]
    if one["verified"]:
        return News(message=f"Verified: {_titled(one)}", proposal=str(one["id"]), verified=True)
    why = f": {headline(one['why_not'], LONGEST)}" if one["why_not"] else ""
    return News(message=f"Not verified: {_titled(one)}{why}", proposal=str(one["id"]))


def _titled(proposal: Document) -> str:
    return f"{proposal['title']} {_in_objective(proposal)}".rstrip()


def _patches(many: int) -> str:
    return "1 patch" if many == 1 else f"{many} patches"


def _of_run(document: Document) -> News | None:
    """What a run brought; None for a replay, which brings nothing new."""
    if "same" in document:
        return None
    best = document["best"]
    if best is None or not best["order"]:
        return News(message="Evolved: no version is better than yours")
    objective = best["objective"]
    reached = f", objective {number(objective['value'])}" if objective else ""
    sure = "verified" if best["verified"] else "not verified"
    return News(
        message=f"Evolved: best is {best['title']}{reached}, {sure}",
        proposal=str(best["proposal"] or ""),
        verified=bool(best["verified"]),
    )

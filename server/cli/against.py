"""`evolverec check --against`: the figures that a repo's own evaluation printed, held against those of a measured trial.

Nothing is run for it: other protocols are computed from the scores that the trial has kept. Where none of them brings the
printed figures about, that is said, and nothing is guessed.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evolution.base.amounts import listed, number
from evolution.base.errors import UsageError
from evolution.domain.trial import Metric, Trial, TrialStatus
from seeds.reading import read_text

if TYPE_CHECKING:
    from diagnosis.figures.comparing import Compared
    from diagnosis.figures.lines import CodeLine, Deviation
    from diagnosis.figures.protocols import Protocol, Scored
    from evolution.trials.data import TrialData
    from seeds.metrics.intervals import MeanInterval

MOST_BYTES = 64 << 20  # of a log
SHOWN = 3  # lines of code in a sentence; the document has all


def figures_against(
    log: Path, repo: Path, data: "TrialData", sources: Mapping[str, str]
) -> list[dict[str, Any]]:
    """One document for each group of figures that is compared: what was printed, ours, the outcome, and lines.

    Raises UsageError: the log cannot be read or holds no figures, or no version on disk was measured.
    """
    from diagnosis.figures.comparing import compared
    from diagnosis.figures.printed import chosen, read_figures

    try:
        groups = chosen(read_figures(read_text(log, most=MOST_BYTES, errors="replace")))
    except OSError as error:
        raise UsageError(f"--against {log}: {error.strerror or error}") from None
    if not groups:
        raise UsageError(
            f"--against {log}: no figures were found; expected such as `test NDCG@10: 0.1234, HR@10: 21.3%`"
        )
    trial, tested = _measured(repo)
    scored = _scored(repo, trial, data)
    epochs = {epoch.epoch: epoch.metrics for epoch in trial.epochs if epoch.epoch != trial.best_epoch}
    documents = []
    for group in groups:
        of_test = group.part == "test" and bool(tested)
        ours = _intervals(tested if of_test else trial.metrics)
        found = compared(group, scored, ours, {} if of_test else epochs)
        documents.append(_document(found, trial, sources, on="test" if of_test else "validation"))
    return documents


def _measured(repo: Path) -> tuple[Trial, Mapping[str, Metric]]:
    """The newest complete trial of the files on disk, and what was last read of it on test events, {} if nothing."""
    from evolution.repo.programs import Programs
    from evolution.store.store import Store

    program = Programs.open(repo).snapshot().tree
    with Store.open(repo) as store:
        trials = [trial for trial in store.trials(program) if trial.status is TrialStatus.COMPLETE]
        if not trials:
            raise UsageError(
                "--against needs a measured trial of the files on disk; run `evolverec train` first"
            )
        reads = store.test_reads(trials[0].id)
    tested = {name: Metric(**metric) for name, metric in reads[-1][1]["metrics"].items()} if reads else {}
    return trials[0], tested


def _scored(repo: Path, trial: Trial, data: "TrialData") -> "Scored":
    from diagnosis.evidence import load_artifacts
    from diagnosis.figures.protocols import Scored
    from evolution.base.places import trial_folder

    kept = load_artifacts(trial_folder(repo, trial.id) / "artifacts")
    return Scored(
        dense=kept.dense_scores,
        rows=kept.dense_rows,
        questions=data.validation,
        training=data.training,
        seed=trial.key.seed,
    )


def _intervals(metrics: Mapping[str, Metric]) -> dict[str, "MeanInterval"]:
    from seeds.metrics.intervals import MeanInterval

    return {
        name: MeanInterval(value=metric.value, low=metric.low, high=metric.high)
        for name, metric in metrics.items()
        if metric.low is not None and metric.high is not None
    }


def _document(found: "Compared", trial: Trial, sources: Mapping[str, str], *, on: str) -> dict[str, Any]:
    from diagnosis.figures.comparing import Outcome
    from diagnosis.figures.kind import KIND
    from diagnosis.figures.lines import lines_of

    group = found.group
    lines = (
        lines_of([part for p in found.explained_by for part in p.deviations], sources)
        if found.explained_by
        else {}
    )
    seen = [p for p in found.explained_by if all(lines[part] for part in p.deviations)]
    places = sorted({place for p in seen for part in p.deviations for place in lines[part]})
    return {
        "code": KIND.code,
        "printed": {f.name: f.value for f in group.figures},
        "part": group.part or None,
        "epoch": group.epoch or None,
        "log_line": group.line,
        "ours": {name: {"value": i.value, "low": i.low, "high": i.high} for name, i in found.ours.items()},
        "ours_on": on,
        "trial": trial.id,
        "outcome": found.outcome.value,
        "explained_by": [_protocol(p, code=p in seen) for p in found.explained_by],
        "our_epoch": found.epoch or None,
        "anchors": [{"path": place.path, "line": place.line} for place in places],
        "severity": "information" if found.outcome in (Outcome.AGREES, Outcome.NOT_COMPARED) else "warning",
        "message": _message(found, seen, lines, on=on),
    }


def _protocol(protocol: "Protocol", *, code: bool) -> dict[str, Any]:
    return {
        "among": protocol.among.value,
        "ties": protocol.ties.value,
        "worth": protocol.worth.value,
        "seen_in_code": code,
    }


def _message(
    found: "Compared", seen: Sequence["Protocol"], lines: Mapping["Deviation", list["CodeLine"]], *, on: str
) -> str:
    from diagnosis.figures.comparing import Outcome

    group = found.group
    yours = ", ".join(f"{f.name} {number(f.value)}" for f in group.figures)
    what = f"your {group.part or 'printed'} figures ({yours}; line {group.line} of the log)"
    if found.outcome is Outcome.NOT_COMPARED:
        return f"{what} have no cutoff, so they are not compared; print it, as in HR@10"
    ours = ", ".join(
        f"{name} {number(i.value)} [{number(i.low)}, {number(i.high)}]" for name, i in found.ours.items()
    )
    beside = f"ours over all items that a user has not met, on {on} events: {ours}"
    aside = "; `evolverec test` reads the test events" if group.part == "test" and on != "test" else ""
    if found.outcome is Outcome.AGREES:
        return f"{what} agree with {beside}{aside}"
    return f"{what} differ: {_why(found, seen, lines)}; {beside}{aside}"


def _why(found: "Compared", seen: Sequence["Protocol"], lines: Mapping["Deviation", list["CodeLine"]]) -> str:
    reasons = [f"the target is {_words(p)} there ({_places(p, lines)})" for p in seen]
    if not reasons:
        reasons = [
            f"our model has them if the target is {_words(p)}, which no line of the code was seen to do"
            for p in found.explained_by
        ]
    if found.epoch:
        reasons.append(f"our model has them at epoch {found.epoch}, not the best one")
    return " or ".join(reasons) if reasons else "not explained: no other protocol that was tried gives them"


def _words(protocol: "Protocol") -> str:
    from diagnosis.figures.protocols import Among, Ties, Worth

    words = [f"ranked among {protocol.among.value}"] if protocol.among is not Among.UNSEEN else []
    words += [f"ranked with ties {protocol.ties.value}"] if protocol.ties is not Ties.EXPECTED else []
    words += [f"measured by {protocol.worth.value}"] if protocol.worth is not Worth.USUAL else []
    return " and ".join(words)


def _places(protocol: "Protocol", lines: Mapping["Deviation", list["CodeLine"]]) -> str:
    places = sorted({place for part in protocol.deviations for place in lines[part]})
    return listed([f"{place.path}:{place.line}" for place in places[:SHOWN]])

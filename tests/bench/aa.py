"""How often no change is called an improvement, and how often a real one is found.

A/A: independently seeded trainings of one program play parent and candidates of `propose`, whose own judgement
(`CandidateEvaluation.settle`, further seeds included) is asked; 200 times a single candidate, and 200 times the best of
eight. Power: the parent is the same program with a fault that costs a known share, the child the program without it.
    python tests/bench/aa.py --folder F [--data shop-micro] [--data ml-100k] [--data shop-full]
Trainings are kept in the folder: a second call goes on where the first was stopped. One core: 10 to 60 s each.

Independence: the seeds of one comparison are all different and drawn without replacement, so parent and child share no
training (where all further seeds are dealt, candidates of one comparison may share one); `disjoint` comparisons of one draw share no seed with each other either. Different draws use the same trainings
again, so the 200 are unbiased for the rate but fewer than 200 independent ones: `trainings` says of how many. All share
the users of one validation set, as all candidates of a repo do.
"""

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from figures import SHARED_DATA, record
from laboratory import opened_laboratory
from ml1m_softmax import make_repo

from evolution.domain.feedback import Feedback
from evolution.domain.objective import parse_expression
from evolution.domain.proposal import Idea, Patch, Proposal, Verified
from evolution.domain.trial import Trial, TrialStatus
from evolution.laboratory.candidates import Candidate
from evolution.laboratory.evaluation import CandidateEvaluation
from evolution.laboratory.laboratory import Laboratory
from evolution.laboratory.paired_comparison import Rivals, per_user
from simulator.critique import wilson_interval

COMPARISONS = 200
MANY = 8
# epochs, patience, what else is changed of the sasrec seed so that a training is short, trainings of program and fault
SMALL = {"dim": "32", "n_blocks": "1", "batch_size": "128", "learning_rate": "3e-3"}
SIZES: dict[str, tuple[int, int, dict[str, str], int, int]] = {
    "shop-micro": (40, 4, {}, 26, 0),
    "ml-100k": (8, 8, SMALL, 16, 0),
    "shop-full": (6, 6, SMALL, 10, 6),
}
FAULTS = (
    7,
    8,
    9,
)  # every 7th user (and so on) is given popular items by the fault: about a tenth of the objective
FAULT = (
    "        return self.model.scores(torch.as_tensor(histories, device=self.device))\n",
    """        scores = self.model.scores(torch.as_tensor(histories, device=self.device))
        scores[torch.as_tensor(users) % EVERY == 0] = self.popularity
        return scores
""",
)
COUNTS = (
    "        self.device = device\n",
    """        self.device = device
        self.popularity = torch.bincount(torch.as_tensor(data.items), minlength=data.n_items + 1).float()
""",
)


class Drawn(Laboratory):
    """A laboratory whose trials with further seeds are trainings that were done before, dealt from two hands."""

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        self.hands: dict[str, Iterator[Trial]] = {}
        self.dealt: dict[tuple[str, int], Trial] = {}

    def trial(self, program: str, *, seed: int, label: str, **_: Any) -> Trial:
        """The next training of the hand that the program plays."""
        if (program, seed) not in self.dealt:
            hand = self.hands["parent" if not program.startswith(CANDIDATE) else "child"]
            self.dealt[program, seed] = next(hand)
        return self.dealt[program, seed]


CANDIDATE = "candidate-"


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--data", action="append", choices=list(SIZES))
    arguments.add_argument("--folder", type=Path, required=True, help="where repos and trainings are kept")
    arguments.add_argument("--name", default="aa", help="the result's name")
    chosen = arguments.parse_args()
    found = {data: measured(chosen.folder / data, data) for data in chosen.data or list(SIZES)}
    record(chosen.name, {"comparisons": COMPARISONS, "many": MANY, "data": found})


def measured(repo: Path, data: str) -> dict[str, Any]:
    epochs, patience, settings, seeds, faulty = SIZES[data]
    if not repo.exists():
        source = SHARED_DATA / data
        make_repo(repo, str(source) if source.exists() else data, epochs, patience)
        _shorten(repo / "recommender.py", settings)
    with opened_laboratory(repo) as laboratory:
        program = laboratory.user_program()
        own = trained(laboratory, program, seeds)
        worse = {
            every: trained(laboratory, _with_fault(laboratory, program, every), faulty)
            for every in (FAULTS if faulty else ())
        }
    with opened_laboratory(repo, Drawn) as drawn:
        assert isinstance(drawn, Drawn)
        counts = (1, MANY) if len(own) >= MANY + 8 else (1,)
        return {
            "trainings": len(own),
            "seconds_of_processor_each": round(float(np.mean([t.cost.fit_cpu_s for t in own])), 1),
            "objective": deviation(drawn, own),
            "A/A": {f"best of {count}": aa(drawn, own, count) for count in counts},
            "power": [power(drawn, parents, own, every) for every, parents in worse.items()],
        }


def _shorten(code: Path, settings: dict[str, str]) -> None:
    text = code.read_text()
    for name, value in settings.items():
        text = re.sub(rf"{name}: (\w+) = \S+", rf"{name}: \1 = {value}", text)
    code.write_text(text)


def _with_fault(laboratory: Laboratory, program: str, every: int) -> str:
    text = laboratory.programs.sources(program)["recommender.py"]
    for old, new in (FAULT, COUNTS):
        assert old in text, old
        text = text.replace(old, new.replace("EVERY", str(every)), 1)
    return laboratory.programs.with_files(program, {"recommender.py": text})


def trained(laboratory: Laboratory, program: str, seeds: int) -> list[Trial]:
    """The trial of each seed; what is stored is not trained again."""
    found = []
    for seed in range(seeds):
        trial = laboratory.trial(program, seed=seed, label=f"seed {seed}")
        assert trial.status is TrialStatus.COMPLETE, trial.failure
        print(seed, trial.objective, f"{trial.cost.fit_cpu_s:.0f} s", file=sys.stderr, flush=True)
        found.append(trial)
    return found


def deviation(laboratory: Laboratory, trials: Sequence[Trial]) -> dict[str, float]:
    """The objective, how far it differs between seeds, and what of that the users' own noise explains, as shares of it."""
    repo = laboratory.context.repo
    objective = parse_expression(laboratory.config.objective.expression)
    values = np.array([objective.per_user(per_user(repo, trial)) for trial in trials])  # (S, Q)
    means = values.mean(axis=1)
    noise = values.var(axis=0, ddof=1).mean() / values.shape[1]
    return {
        "users": values.shape[1],
        "mean": float(means.mean()),
        "between_seeds": float(means.std(ddof=1) / means.mean()),
        "from_users_alone": float(np.sqrt(noise) / means.mean()),
    }


def aa(laboratory: Drawn, trials: Sequence[Trial], count: int) -> dict[str, Any]:
    rng = np.random.default_rng(count)
    firsts = 4 + count  # what is surely used; the rest is for further seeds
    called, plainly, replicated, disjoint = 0, 0, 0, max(1, len(trials) // (8 if count == 1 else len(trials)))
    done = 0
    while done < COMPARISONS:
        shuffled = [trials[int(place)] for place in rng.permutation(len(trials))]
        for part in range(disjoint):
            if done == COMPARISONS:
                break
            size = len(shuffled) // disjoint
            drawn = shuffled[part * size : (part + 1) * size]
            proposals = judged(laboratory, drawn[:4], drawn[4:firsts], drawn[firsts:])
            called += any(one.verified is Verified.GAIN for one in proposals)
            plainly += any(would_have_been_called(one) for one in proposals)
            replicated += any(len(one.trials) > 1 for one in proposals)
            done += 1
    return {
        "called_an_improvement": called,
        **rate(called, done),
        "without_the_correction": plainly,
        "with_a_further_seed": replicated,
        "disjoint": disjoint,
    }


def rate(good: int, of: int) -> dict[str, Any]:
    low, high = wilson_interval(good, of)
    return {"of": of, "share": good / of, "low": low, "high": high}


def would_have_been_called(proposal: Proposal) -> bool:
    """Whether only the choice among several stands against it."""
    return proposal.verified is Verified.GAIN or "corrected for the choice" in proposal.why_not


def judged(
    laboratory: Drawn, parents: Sequence[Trial], firsts: Sequence[Trial], further: Sequence[Trial]
) -> list[Proposal]:
    laboratory.dealt = {}
    laboratory.hands = {"parent": iter(parents[1:]), "child": cycle(further)}
    evaluation = CandidateEvaluation(laboratory)
    feedback = Feedback(trial=parents[0].id, program=parents[0].key.program, created_at=0.0)
    rivals = Rivals(trials=tuple(firsts))
    return [
        evaluation.settle(
            parents[0], feedback, _candidate(place, parents[0]), first, patient=True, rivals=rivals
        )
        for place, first in enumerate(firsts)
    ]


def _candidate(place: int, parent: Trial) -> Candidate:
    idea = Idea(
        code=f"aa-{place}",
        title=f"no change, number {place}",
        rationale="",
        addresses=(),
        rests_on=(),
        proposer="bench",
    )
    patch = Patch(base=parent.key.program, edits=())
    return Candidate(idea=idea, patch=patch, child=f"{CANDIDATE}{place}", diff="", note="")


def power(
    laboratory: Drawn, parents: Sequence[Trial], children: Sequence[Trial], every: int
) -> dict[str, Any]:
    """How often the program without the fault is a verified gain over the one with it; the sides share no seed."""
    rng = np.random.default_rng(0)
    found, gains = 0, []
    for _ in range(COMPARISONS):
        before = [parents[int(place)] for place in rng.permutation(len(parents))[:4]]
        taken = {trial.key.seed for trial in before}
        after = [children[int(place)] for place in rng.permutation(len(children))]
        after = [trial for trial in after if trial.key.seed not in taken]
        (proposal,) = judged(laboratory, before, after[:1], after[1:])
        found += proposal.verified is Verified.GAIN
        assert proposal.effect is not None
        gains.append(proposal.effect.after / proposal.effect.before - 1)
    return {
        "built": f"the parent ranks by popularity for every {every}th user; other seeds on both sides",
        "found": found,
        **rate(found, COMPARISONS),
        "gain": {"mean": float(np.mean(gains)), "least": float(min(gains)), "most": float(max(gains))},
        "trainings": [len(parents), len(children)],
    }


if __name__ == "__main__":
    main()

"""Reads the rendered prompts of a run against the store: every outcome, share and count that they tell was measured."""

import re
from collections.abc import Iterator

from evolution.domain.feedback import Feedback
from evolution.domain.run import Node, NodeStatus, Run
from evolution.store.store import Store
from seeds.amounts import number, percent
from tests.llm.scripted import Request

TRIED = re.compile(
    r"^- tried '(?P<title>.*?)' \((?P<code>[^)]*)\) on (?P<on>[^:]*): (?P<said>.*)$", re.MULTILINE
)
OBJECTIVE = re.compile(r"objective (-?[\d.]+) -> (-?[\d.]+)")
SHARES = re.compile(r"([a-z]+-[a-z]+): (\S+) % of users said so, now (\S+) %")
MOVED = re.compile(r"([a-z-]+) moved from (\S+) to (\S+) \(")
CRITIQUE = re.compile(r"^- id ([0-9a-f]{12}): ((?:overused|missed)-[a-z]+)", re.MULTILINE)
VOICE = re.compile(r"^- ((?:overused|missed)-[a-z]+): (\d+) of (\d+) users \(played by", re.MULTILINE)


def untrue(request: Request, run: Run, store: Store) -> Iterator[str]:
    """What a prompt tells that the store does not hold, in words."""
    known = [feedback for node in run.nodes if node.trial and (feedback := store.feedback(node.trial))]
    for line in TRIED.finditer(request.text):
        nodes = [node for node in run.nodes if node.idea and node.idea.code == line["code"]]
        if not nodes or all(node.status is NodeStatus.VOID for node in nodes):
            yield f"{line[0]}: nothing of it is known"
        elif not any(fits(node, line["said"], store, known, run) for node in nodes):
            yield f"{line[0]}: not what was measured"
    asked = [simulation for feedback in known for simulation in feedback.simulations]
    critiques = {(critique.id, critique.code) for one in asked for critique in one.critiques}
    for name, code in CRITIQUE.findall(request.text):
        if (name, code) not in critiques:
            yield f"critique {name} {code} is not stored"
    voices = {(voice.code, voice.count, voice.users) for one in asked for voice in one.voices}
    for code, count, users in VOICE.findall(request.text):
        if (code, int(count), int(users)) not in voices:
            yield f"{code}: {count} of {users} was not counted"


def fits(node: Node, said: str, store: Store, known: list[Feedback], run: Run) -> bool:
    """Whether what is said of an attempt is what its node and its trials say, and compares figures over the same seeds."""
    if node.status is NodeStatus.WAITING or "about to be trained" in said:
        return not OBJECTIVE.search(said)
    if node.status is not NodeStatus.COMPLETE:
        return bool(node.why) and said.startswith(node.status.value) and not OBJECTIVE.search(said)
    before = next(other for other in run.nodes if other.program == node.parent)
    reached = {_first(store, before, node)}
    if before.seeds == node.seeds:
        reached.add((f"{before.objective.value:.4f}", f"{node.objective.value:.4f}"))
    told = OBJECTIVE.search(said)
    by_program = {feedback.program: feedback for feedback in known}
    shares = all(
        {f"{before} %", f"{after} %"} <= {percent(share) for share in _shares(by_program, node, code)}
        for code, before, after in SHARES.findall(said)
    )
    moved = {(one.code, number(one.before), number(one.after)) for one in node.moved}
    return bool(told) and told.groups() in reached and shares and set(MOVED.findall(said)) <= moved


def _first(store: Store, *nodes: Node) -> tuple[str, ...]:
    """What the first trials of these nodes reached."""
    return tuple(f"{store.trial(node.trial).objective.value:.4f}" for node in nodes)


def _shares(by_program: dict[str, Feedback], node: Node, code: str) -> Iterator[float]:
    """The shares of users who make a complaint of the node and of its parent, of either kind of users."""
    for program in (node.program, node.parent):
        feedback = by_program.get(program)
        for simulation in feedback.simulations if feedback else ():
            share = simulation.share_of(code)
            if share is not None:
                yield share

"""Does every parameter that the loss uses learn? Seen while two epochs were trained (see diagnosis/examination.py)."""

from collections.abc import Iterable

from diagnosis.evidence import Evidence
from diagnosis.examination import LearnedParameter, Watched
from diagnosis.findings import CodePlace, FindingKind, FoundBy, Measurement, Nature, Role, Severity
from diagnosis.flow import Flow
from diagnosis.operations import place_of, trained
from diagnosis.probes.expectation import held, violated
from diagnosis.probes.outcome import unjudged
from diagnosis.probes.probe import Probe

UNIT = "parameters"
_WEAK = ("untrained-rows", "weaker-than-popularity", "weaker-than-markov", "weaker-than-ease", "not-learning")
NOT_UPDATED = FindingKind(
    code="not-in-optimizer",
    found_by=FoundBy.PROBE,
    title="Parameters that no optimizer updates",
    why="What no optimizer is given stays as it was initialised, however long the training is.",
    definition="Number of parameters that training steps use, that want a gradient, and that no optimizer was given.",
    roles=(Role.OPTIMIZER,),
    explains=("same-answer-twice", *_WEAK),  # what is no part of a module is not set to evaluation either
)
FROZEN = FindingKind(
    code="frozen-at-random",
    found_by=FoundBy.PROBE,
    title="Frozen at random values",
    why="A parameter that was drawn at random and takes no gradient means nothing and never will.",
    definition="Number of parameters that training steps use, that were drawn at random and are not to be trained.",
    roles=(Role.ITEM_TABLE,),
    explains=_WEAK,
)
NO_GRADIENT = FindingKind(
    code="no-gradient",
    found_by=FoundBy.PROBE,
    title="Parameters cut off from the loss",
    why="The optimizer is given these parameters, but no gradient ever reaches them.",
    definition="Number of parameters that training steps use and an optimizer has, without a gradient at any step.",
    roles=(Role.ENCODER,),
    explains=_WEAK,
)
NUMBERING = {"item", "tolist", "numpy", "__float__"}
UNUSED = FindingKind(
    code="unused-parameter",
    found_by=FoundBy.PROBE,
    title="Parameters that nothing uses",
    why="A part of the model that is built and never called does not do what it was built for.",
    definition="Number of parameters that an optimizer has and neither training nor scoring uses.",
    roles=(Role.ENCODER,),
    nature=Nature.ADVICE,  # an option that is switched off leaves its part behind, and ranks nobody
)
FEWEST_STEPS = 10  # that must have been looked at before a missing gradient means something
SHOWN = 3  # places
# Calls that let no gradient through.
CUTTING = {
    "detach",
    "detach_",
    "data",
    "item",
    "numpy",
    "tolist",
    "argmax",
    "argsort",
    "round",
    "sign",
    "long",
    "int",
    "bool",
}
_VIEWS = {
    "data",
    "detach",
    "view",
    "reshape",
    "select",
    "narrow",
    "getitem",
    "__getitem__",
    "squeeze",
    "unsqueeze",
    "flatten",
}
READING = {"__invert__", "__index__", "__int__"}
_NOT_WRITING = {"requires_grad_", "detach_", "squeeze_", "unsqueeze_"}
DRAWING = {
    "randn", "rand", "normal", "normal_", "uniform_", "randn_like", "rand_like", "trunc_normal_", "xavier_normal_", "xavier_uniform_",
    "kaiming_normal_", "kaiming_uniform_", "empty_normal",
}  # fmt: skip


def who_learns(evidence: Evidence) -> list[Measurement]:
    """The parameters that the watched training steps used, by what the optimizers did to them."""
    watched = evidence.watched
    if watched is None:
        return []
    if not watched.optimizer_steps:
        return [unjudged(NOT_UPDATED.code, "no optimizer was watched at work", unit=UNIT)]
    flow = Flow(watched.trace)
    found = [
        _not_updated(watched, flow),
        _frozen(watched, flow),
        _without_gradient(watched, flow),
        _unused(watched, evidence),
    ]
    return [measurement for measurement in found if measurement is not None] or [
        held(NOT_UPDATED, f"every one of {len(watched.parameters)} parameters that is used learns", unit=UNIT)
    ]


def _reaching(flow: Flow) -> set[str]:
    """The parameters that calls of the training loss take."""
    return {
        source
        for op in trained(flow)
        for slot in flow.ops[op]["inputs"]
        for source in slot
        if source[0] == "p"
    }


def _not_updated(watched: Watched, flow: Flow) -> Measurement | None:
    reaching = _reaching(flow)
    # One of several optimizers may have its turn after the epochs that were watched.
    given = {source for made in watched.trace.get("optimizers", ()) for source in made.get("parameters", ())}
    lost = [
        p
        for p in watched.parameters
        if p.alive and p.requires_grad and p.optimizer < 0 and _node(p) in reaching
        if _node(p) not in given and not _changed_by_hand(p, flow) and _is_recorded(p, flow)
    ]
    if not lost:
        return None
    message = (
        f"{_named(lost)} in the loss, but no optimizer was given {_them(lost)}: {_stay(lost)} as initialised"
    )
    outside = _unregistered(lost, watched)
    places = [*outside, *_optimizers(watched), *_places(lost)]
    if outside:
        message += f"; the {watched.trace['modules'][_root(lost[0], watched)]['type']} that holds it is no part of the model"
    return violated(
        NOT_UPDATED,
        float(len(lost)),
        message,
        places,
        unit=UNIT,
        severity=Severity.ERROR,
        details=_told(lost),
    )


def _frozen(watched: Watched, flow: Flow) -> Measurement | None:
    reaching = _reaching(flow)
    lost = [
        p
        for p in watched.parameters
        if p.alive and not p.requires_grad and _node(p) in reaching
        if _is_drawn(p, flow) and not _changed_by_hand(p, flow) and not _has_learning_twin(p, watched)
    ]
    if not lost:
        return None
    message = f"{_named(lost)} in the loss, drawn at random and frozen: {_stay(lost)} random numbers"
    return violated(FROZEN, float(len(lost)), message, _places(lost), unit=UNIT, details=_told(lost))


def _without_gradient(watched: Watched, flow: Flow) -> Measurement | None:
    if watched.steps_without_gradient:  # none has one: gradients were cleared, or the loss depends on nothing
        return None
    lost = [
        p
        for p in watched.parameters
        if p.alive and p.requires_grad and p.used and p.optimizer >= 0
        if p.steps_looked_at >= FEWEST_STEPS and p.steps_with_grad == 0 and not _changed_by_hand(p, flow)
    ]
    if not lost:
        return None
    cut = _cut_at(lost[0], flow)
    where = f", cut off by {cut.does} at {cut.path}:{cut.line}" if cut is not None and cut.does else ""
    steps = lost[0].steps_looked_at
    message = f"{_named(lost)}, but no gradient reached {_them(lost)} in {steps} steps{where}"
    return violated(
        NO_GRADIENT, float(len(lost)), message, [cut, *_places(lost)], unit=UNIT, details=_told(lost)
    )


def _unused(watched: Watched, evidence: Evidence) -> Measurement | None:
    scored = Flow(evidence.artifacts.trace)
    answering = {s for op in scored.ops if op["phase"] == "score" for slot in op["inputs"] for s in slot}
    in_score = {
        (p["path"], p["line"], p["name"]) for i, p in enumerate(scored.parameters) if f"p{i}" in answering
    }
    lost = [
        p
        for p in watched.parameters
        if p.alive and p.optimizer >= 0 and not p.used and p.steps_looked_at >= FEWEST_STEPS
        if p.steps_with_grad == 0 and (p.path, p.line, p.name) not in in_score
    ]
    if not lost or not scored.ops:
        return None
    message = f"{_named(lost, used=False)} by training steps or scores, though an optimizer has {_them(lost)}"
    return violated(UNUSED, float(len(lost)), message, _places(lost), unit=UNIT, details=_told(lost))


def _node(parameter: LearnedParameter) -> str:
    return f"p{parameter.number}"


def _changed_by_hand(parameter: LearnedParameter, flow: Flow) -> bool:
    """Whether training writes to it itself, as a moving average of another model does; to its gradient alone, as clipping does, is
    no such thing."""
    own = _own_memory(parameter, flow)
    return any(
        op["phase"] == "train" and _writes(op["function"])
        for op in flow.ops
        if op["inputs"] and not own.isdisjoint(op["inputs"][0])
    )


def _writes(function: str) -> bool:
    """Whether a call changes its first tensor: `mul_`, `__setitem__`, `__iadd__`; reading rows, `__getitem__`, does not."""
    if function.startswith("__"):
        return function == "__setitem__" or (function.startswith("__i") and function not in READING)
    return function.endswith("_") and function not in _NOT_WRITING


def _own_memory(parameter: LearnedParameter, flow: Flow) -> set[str]:
    """The nodes of a trace that are a parameter's own memory in training: itself, its data, and views of them."""
    own, found = {_node(parameter)}, [_node(parameter)]
    while found:
        for op in flow.consumers(found.pop()):
            seen = flow.ops[op]
            if seen["phase"] == "train" and seen["function"] in _VIEWS and f"o{op}" not in own:
                own.add(f"o{op}")
                found.append(f"o{op}")
    return own


def _has_learning_twin(parameter: LearnedParameter, watched: Watched) -> bool:
    """Whether the same line made one of the same name and shape that learns: a copy of a module, as a target network or the last
    round's encoder, which is set to its twin's weights now and then."""
    last = parameter.name.split(".")[-2:]
    return any(
        twin.place == parameter.place
        and twin.shape == parameter.shape
        and twin.name.split(".")[-2:] == last
        and twin.name != parameter.name
        for twin in watched.parameters
        if twin.requires_grad and twin.optimizer >= 0
    )


def _is_recorded(parameter: LearnedParameter, flow: Flow) -> bool:
    """Whether nothing cuts it off at once, as a second model that only gives targets is."""
    near = set(trained(flow))
    after = [op for op in flow.downstream(flow.consumers(_node(parameter)), depth=4) if op in near]
    return not any(flow.ops[op]["function"] in CUTTING for op in after)


def _is_drawn(parameter: LearnedParameter, flow: Flow) -> bool:
    data = flow.parameters[parameter.number].get("data", "")
    before = list(flow.upstream([int(data[1:])], depth=6)) if data.startswith("o") else []
    users = [op for op in flow.consumers(_node(parameter)) if flow.ops[op]["phase"] == "build"]
    return any(flow.ops[op]["function"] in DRAWING for op in (*before, *users))


def _cut_at(parameter: LearnedParameter, flow: Flow) -> CodePlace | None:
    """The call that lets no gradient through on the way from the parameter to the loss, else its first use."""
    near = set(trained(flow))
    users = [op for op in flow.consumers(_node(parameter)) if op in near]
    for op in flow.downstream(users):
        if op in near and flow.ops[op]["function"] in CUTTING:
            return place_of(flow.ops[op], flow.ops[op]["function"])
    return place_of(flow.ops[users[0]]) if users else _numbered_at(parameter, flow)


def _numbered_at(parameter: LearnedParameter, flow: Flow) -> CodePlace | None:
    """The call that makes a plain number of all that the parameter takes part in."""
    users = [op for op in flow.consumers(_node(parameter)) if flow.ops[op]["phase"] == "train"]
    ends = [op for op in flow.downstream(users) if flow.ops[op]["function"] in NUMBERING]
    return place_of(flow.ops[ends[-1]], flow.ops[ends[-1]]["function"]) if ends else None


def _unregistered(lost: list[LearnedParameter], watched: Watched) -> list[CodePlace]:
    """Where modules are made of which no parameter is in an optimizer and that belong to no other module, as those of a
    plain list."""
    learned = {_root(p, watched) for p in watched.parameters if p.optimizer >= 0}
    roots = [root for p in lost if (root := _root(p, watched)) >= 0 and root not in learned]
    made = [watched.trace["modules"][root] for root in roots]
    return list(dict.fromkeys(CodePlace(path=m["path"], line=m["line"], does="makes it") for m in made))


def _root(parameter: LearnedParameter, watched: Watched) -> int:
    """The outermost module that a parameter belongs to, as an index of the trace's; -1 where it belongs to none."""
    modules = watched.trace["modules"]
    at = int(watched.trace["parameters"][parameter.number]["module"])
    while at >= 0 and modules[at]["name"]:
        at -= 1  # modules are in the order in which they were begun, so the outermost comes before its parts
    return at


def _optimizers(watched: Watched) -> list[CodePlace]:
    made = watched.trace.get("optimizers", ())
    return [CodePlace(path=o["path"], line=o["line"], does="makes the optimizer") for o in made][:1]


def _places(parameters: Iterable[LearnedParameter]) -> list[CodePlace]:
    return list(dict.fromkeys(parameter.place for parameter in parameters if parameter.path))[:SHOWN]


def _named(parameters: list[LearnedParameter], *, used: bool = True) -> str:
    first = parameters[0]
    name = first.name or f"the parameter made at {first.path}:{first.line}"
    words = f"{name} {'x'.join(map(str, first.shape))}"
    if len(parameters) > 1:
        words += f" and {len(parameters) - 1} more"
    return f"{words} {'is' if len(parameters) == 1 else 'are'} {'used' if used else 'not used'}"


def _them(parameters: list[LearnedParameter]) -> str:
    return "it" if len(parameters) == 1 else "them"


def _stay(parameters: list[LearnedParameter]) -> str:
    return "it stays" if len(parameters) == 1 else "they stay"


def _told(parameters: list[LearnedParameter]) -> dict[str, object]:
    return {"parameters": [{"name": p.name, "path": p.path, "line": p.line} for p in parameters[:100]]}


PROBE = Probe(kinds=(NOT_UPDATED, FROZEN, NO_GRADIENT, UNUSED), run=who_learns)

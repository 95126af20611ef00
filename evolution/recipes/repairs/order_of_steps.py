"""Repairs of training loops in which a right call stands in the wrong place, is missing, or is only named."""

from collections.abc import Sequence

import libcst as cst

from evolution.recipes.code import RecipeFile, bare, call_name, dotted, loaded_names, statements
from evolution.recipes.repairs.repair import Changes, Place, Repair, receiver
from evolution.recipes.training_step import OPTIMIZERS

CLIPS = ("clip_grad_norm_", "clip_grad_value_")
SWITCHES = ("eval", "train")
NORMAL_STATE = "{{name: value.clone() for name, value in {state}.items()}}"


def line_at(place: Place) -> cst.SimpleStatementLine | None:
    """The accused statement, if it is one and holds nothing else."""
    lines = place.nodes(cst.SimpleStatementLine)
    return lines[0] if len(lines) == 1 and len(lines[0].body) == 1 else None


def siblings(source: RecipeFile, line: cst.CSTNode) -> Sequence[cst.CSTNode]:
    return tuple(getattr(source.parents.get(line), "body", ()))


def calls_method(source: RecipeFile, line: cst.CSTNode, name: str) -> bool:
    found = source.all_of(cst.Call, line) if isinstance(line, cst.SimpleStatementLine) else []
    return any(call_name(call) == name and isinstance(call.func, cst.Attribute) for call in found)


def _clipped_in_time(place: Place) -> Changes:
    """The clip, moved to between `backward` and the step."""
    clip = line_at(place)
    beside = siblings(place.source, clip) if clip is not None else ()
    backs = [line for line in beside if calls_method(place.source, line, "backward")]
    steps = [line for line in beside if calls_method(place.source, line, "step")]
    if clip is None or not backs or not steps or clip in (*backs, *steps):
        return {}
    step = next((line for line in steps if beside.index(line) > beside.index(backs[-1])), None)
    if not isinstance(step, cst.SimpleStatementLine):
        return {}
    moved = clip.with_changes(leading_lines=[*step.leading_lines, *clip.leading_lines])
    return {clip: [], step: [moved, step.with_changes(leading_lines=[])]}


def _made_once(place: Place) -> Changes:
    """The optimizer, made before the outermost loop around it that trains."""
    made = line_at(place)
    part = made.body[0] if made is not None else None
    if made is None or not isinstance(part, cst.Assign) or call_name(part.value) not in OPTIMIZERS:
        return {}
    loops = [above for above in place.source.ancestors(made) if isinstance(above, (cst.For, cst.While))]
    own = place.source.enclosing(made, cst.FunctionDef)
    inside = [loop for loop in loops if place.source.enclosing(loop, cst.FunctionDef) is own]
    name = dotted(part.targets[0].target)
    if not inside or not name or name in {dotted(node) for node in _read_in(place.source, part.value)}:
        return {}
    outer = inside[-1]
    if loaded_names(part.value) & _bound_in(place.source, outer):
        return {}
    first = made.with_changes(leading_lines=[*outer.leading_lines, *made.leading_lines])
    return {made: [], outer: [first, without(outer, made)]}


def _read_in(source: RecipeFile, value: cst.CSTNode) -> list[cst.CSTNode]:
    return [*source.all_of(cst.Name, value), *source.all_of(cst.Attribute, value)]


def _bound_in(source: RecipeFile, loop: cst.For | cst.While) -> set[str]:
    """Names that a loop binds."""
    found = loaded_names(loop.target) if isinstance(loop, cst.For) else set[str]()
    for inner in source.all_of(cst.For, loop.body):
        found |= loaded_names(inner.target)
    for part in source.all_of(cst.Assign, loop.body):
        if call_name(part.value) not in OPTIMIZERS:
            found |= {name for target in part.targets for name in loaded_names(target.target)}
    return found


def without(loop: cst.For | cst.While, line: cst.SimpleStatementLine) -> cst.For | cst.While:
    """The loop without one of its lines, and without what stands above the loop."""
    left = loop.deep_remove(line)
    return left.with_changes(leading_lines=[]) if isinstance(left, (cst.For, cst.While)) else loop


def _training_again(place: Place) -> Changes:
    """`train()`, moved to where every epoch begins."""
    line = line_at(place)
    part = line.body[0] if line is not None else None
    call = part.value if isinstance(part, cst.Expr) else None
    if line is not None and isinstance(call, cst.Call) and call_name(call) == "train":
        beside = siblings(place.source, line)
        after = [one for one in beside[beside.index(line) + 1 :] if isinstance(one, (cst.For, cst.While))]
        loop = after[0] if len(after) == 1 else None
        if loop is None or not isinstance(loop.body, cst.IndentedBlock) or not _trains(place.source, loop):
            return {}
        if not any(isinstance(one, (cst.For, cst.While)) for one in loop.body.body):
            return {}
        first = loop.body.body[0]
        return {line: [], first: [line.with_changes(leading_lines=[]), first]}
    return _training_before(place)


def _training_before(place: Place) -> Changes:
    """`net.train()` before the accused loop over batches, of what the loop calls and the optimizer does not own."""
    loops = [loop for loop in place.nodes(cst.For) if _trains(place.source, loop)]
    function = place.function()
    if len(loops) != 1 or function is None:
        return {}
    switched = {
        dotted(call.func).rpartition(".")[0].rpartition(".")[2]
        for source in place.sources
        for call in source.all_of(cst.Call)
        if call_name(call) == "eval" and isinstance(call.func, cst.Attribute) and not call.args
    }
    called = {dotted(call.func) for call in place.source.all_of(cst.Call, loops[0]) if dotted(call.func)}
    models = {name for name in called if name.rpartition(".")[2] in switched}
    models |= {
        name.rpartition(".")[0] for name in called if name.rpartition(".")[0].rpartition(".")[2] in switched
    }
    if len(models) != 1:
        return {}
    new = statements([f"{models.pop()}.train()"])
    if _evaluates_within(place, loops[0]) and isinstance(loops[0].body, cst.IndentedBlock):
        first = loops[0].body.body[0]
        return {first: [*new, first]}
    new[0] = new[0].with_changes(leading_lines=loops[0].leading_lines)
    return {loops[0]: [*new, loops[0].with_changes(leading_lines=[])]}


def _evaluates_within(place: Place, loop: cst.For) -> bool:
    """Whether a loop over batches evaluates every now and then, itself or by a function that switches the model."""
    switching = {
        function.name.value
        for source in place.sources
        for function in source.functions()
        if any(call_name(call) == "eval" for call in source.all_of(cst.Call, function))
    }
    called = {call_name(call) for call in place.source.all_of(cst.Call, loop)}
    return bool(called & {"eval", *switching})


def _trains(source: RecipeFile, loop: cst.CSTNode) -> bool:
    return any(call_name(call) == "backward" for call in source.all_of(cst.Call, loop))


def _called(place: Place) -> Changes:
    """`net.eval()` for a statement that only names it."""
    named = place.only(
        cst.Expr,
        lambda node: isinstance(node.value, cst.Attribute) and node.value.attr.value in SWITCHES,
    )
    return {named: [named.with_changes(value=cst.Call(func=named.value))]} if named is not None else {}


def _copied(place: Place) -> Changes:
    """A copy of every tensor of the best state."""
    state = place.only(cst.Call, lambda node: call_name(node) == "state_dict" and receiver(node) is not None)
    if state is None:
        return {}
    around = [
        above
        for above in place.source.ancestors(state)
        if isinstance(above, cst.DictComp) and place.source.line(above) >= place.start
    ]
    if around:
        return _cloned(around[0])
    above = place.source.enclosing(state, cst.Call)
    whole = above if above is not None and call_name(above) == "dict" else state
    code = place.source.code(state)
    return {whole: [cst.parse_expression(NORMAL_STATE.format(state=code))]}


def _cloned(comprehension: cst.DictComp) -> Changes:
    value = bare(comprehension.value)
    kept = receiver(value) if isinstance(value, cst.Call) and call_name(value) in ("detach", "cpu") else value
    if not isinstance(kept, cst.Name):
        return {}
    clone = cst.Call(func=cst.Attribute(value=comprehension.value, attr=cst.Name("clone")))
    return {comprehension.value: [clone]}


def _seeded_once(place: Place) -> Changes:
    """The seed, moved to before the loop over epochs that sets it anew."""
    line = line_at(place)
    if line is None:
        return {}
    part = line.body[0]
    if not isinstance(part, cst.Expr) or call_name(part.value) not in ("seed", "manual_seed"):
        return {}
    loops = [above for above in place.source.ancestors(line) if isinstance(above, (cst.For, cst.While))]
    own = place.source.enclosing(line, cst.FunctionDef)
    inside = [loop for loop in loops if place.source.enclosing(loop, cst.FunctionDef) is own]
    if not inside or loaded_names(part) & _bound_in(place.source, inside[-1]):
        return {}
    outer = inside[-1]
    first = line.with_changes(leading_lines=[*outer.leading_lines, *line.leading_lines])
    return {line: [], outer: [first, without(outer, line)]}


CLIPPED = Repair(
    code="clip-in-time",
    title="Clip gradients after they are computed, and before they are used",
    rationale="Before `backward` there is nothing to clip, and after the step it is too late.",
    triggers=frozenset({"clipped-in-vain"}),
    needs="a clip beside the backward pass and the step",
    note="The bound itself stays as it was.",
    mend=_clipped_in_time,
)
MADE_ONCE = Repair(
    code="one-optimizer",
    title="Make the optimizer once, before the loop",
    rationale="A new optimizer has none of the moments of the one before it: its first steps are its worst, and it takes no others.",
    triggers=frozenset({"optimizer-recreated"}),
    needs="an optimizer that a loop of the same function makes anew",
    note="What it is given stays as it was.",
    mend=_made_once,
)
TRAINING_AGAIN = Repair(
    code="train-again",
    title="Switch back to training mode in every epoch",
    rationale="Evaluation switches dropout and batch statistics off; without `train()` they stay off from the second epoch on.",
    triggers=frozenset({"train-forgotten"}),
    needs="a model that evaluation switches with `eval()`, and the loop that trains it",
    note="Evaluation is as it was.",
    mend=_training_again,
)
CALLED = Repair(
    code="call-the-method",
    title="Call the method",
    rationale="A method that is named and not called does nothing.",
    triggers=frozenset({"not-called"}),
    needs="a statement that only names `eval` or `train`",
    note="Two parentheses more.",
    mend=_called,
)
COPIED = Repair(
    code="copy-the-state",
    title="Keep a copy of the best state",
    rationale="`state_dict()` holds the tensors that training goes on to change: the best state becomes the last one.",
    triggers=frozenset({"state-kept-by-reference"}),
    needs="one `state_dict()` that is kept",
    note="It costs the model's memory once more.",
    mend=_copied,
    leaves_figures=True,
)
SEEDED_ONCE = Repair(
    code="seed-once",
    title="Seed the generator once, before the epochs",
    rationale="A generator that begins anew in each epoch draws the same order and the same negatives in all of them.",
    triggers=frozenset({"reseeded-in-training"}),
    needs="a seed that is set in a loop of the function",
    note="Two runs with one seed are still the same.",
    mend=_seeded_once,
)

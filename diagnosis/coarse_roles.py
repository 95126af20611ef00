"""Finds roles from the syntax tree alone, by the names of library functions, in code that no torch trace covers."""

import ast
from collections.abc import Iterator, Mapping
from typing import Any

from diagnosis.findings import Role, Site
from diagnosis.loss_roles import LOSSES
from diagnosis.rules.source import read_source
from diagnosis.syntax import called_name, dotted, parsed

BY_CALL: dict[str, Role] = {
    "Embedding": Role.ITEM_TABLE,
    "EmbeddingBag": Role.ITEM_TABLE,
    "randint": Role.NEGATIVES,
    "integers": Role.NEGATIVES,
    "choice": Role.NEGATIVES,
    "choices": Role.NEGATIVES,
    "randrange": Role.NEGATIVES,
    "multinomial": Role.NEGATIVES,
    "DataLoader": Role.LOADER,
    "randperm": Role.LOADER,
    "permutation": Role.LOADER,
    "shuffle": Role.LOADER,
    "tril": Role.CAUSAL_MASK,
    "triu": Role.CAUSAL_MASK,
    "dropout": Role.DROPOUT,
    "Dropout": Role.DROPOUT,
    "LayerNorm": Role.NORMALIZATION,
    "GRU": Role.ENCODER,
    "LSTM": Role.ENCODER,
    "MultiheadAttention": Role.ENCODER,
    "TransformerEncoder": Role.ENCODER,
    "BCEWithLogitsLoss": Role.LOSS,
    "BCELoss": Role.LOSS,
    "CrossEntropyLoss": Role.LOSS,
} | dict.fromkeys(LOSSES, Role.LOSS)


def coarse_sites(trace: Mapping[str, Any], sources: Mapping[str, str]) -> Iterator[Site]:
    """Sites at calls of known library functions.

    If the trace recorded which lines ran during `fit`, calls that draw negatives or order batches count only there.
    """
    executed = {path: set(lines) for path, lines in trace.get("executed_training", {}).items()}
    for path, text in sources.items():
        tree = parsed(text) if path.endswith(".py") else None
        for node in ast.walk(tree) if tree else ():
            if not isinstance(node, ast.Call):
                continue
            name = called_name(node)
            role = Role.OPTIMIZER if ".optim." in f".{dotted(node.func)}" else BY_CALL.get(name)
            ran = not executed or node.lineno in executed.get(path, set())
            if role is not None and (ran or role not in (Role.NEGATIVES, Role.LOADER)):
                kind = (
                    {"kind": "dataloader" if name == "DataLoader" else "permutation"}
                    if role is Role.LOADER
                    else {}
                )
                yield Site(
                    role=role,
                    path=path,
                    start_line=node.lineno,
                    end_line=node.end_lineno or node.lineno,
                    detail={"function": name, "coarse": True} | kind,
                )


def loop_sites(trace: Mapping[str, Any], sources: Mapping[str, str]) -> Iterator[Site]:
    """Sites at the loops that step the optimizer, for repos in which no data loader or permutation was found."""
    executed = trace.get("executed_training", {})
    for path, text in sources.items():
        source = read_source(path, text) if path.endswith(".py") else None
        for loop in source.training_loops() if source else ():
            if not executed or loop.lineno in executed.get(path, ()):
                yield Site(
                    role=Role.LOADER,
                    path=path,
                    start_line=loop.lineno,
                    end_line=loop.lineno,
                    detail={"kind": "loop", "coarse": True},
                )


def entry_sites(sources: Mapping[str, str]) -> Iterator[Site]:
    """The site of `def build` at the top of a module; without one, the first line of the first file."""
    found = False
    for path, text in sources.items():
        tree = parsed(text) if path.endswith(".py") else None
        for node in tree.body if tree else ():
            if isinstance(node, ast.FunctionDef) and node.name == "build":
                found = True
                yield Site(role=Role.ENTRY, path=path, start_line=node.lineno, end_line=node.lineno)
    if not found and sources:
        path = min(sources, key=lambda name: (not name.endswith(".py"), name))
        yield Site(role=Role.ENTRY, path=path, start_line=1, end_line=1, detail={"coarse": True})

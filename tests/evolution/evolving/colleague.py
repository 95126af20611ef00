"""A model as a script of the scripted endpoint: plans and patches for the sasrec seed, good, mediocre, broken, hostile.

All it knows is the rendered prompt that reached the endpoint. Which patch it writes follows from the idea that the
planner's script names, and which idea from what the prompt says was tried.
"""

import re
from typing import Any

from tests.llm.scripted import Request, Script, by_prompt
from tests.simulator.players import judge_by_kind, put_into_words, rank_by_kind

RETURNED = "        return positive_loss + negative_loss"
SOFTMAX = """        logits = hidden[present] @ self.model.item_embedding.weight.T  # (M, n_items + 1)
        return F.cross_entropy(logits, batch.targets[present])"""
LOSS_HEAD = "        positive = (hidden * self.model.item_embedding(batch.targets)).sum(-1)  # (B, L)\n"
LOSS_BODY = (
    LOSS_HEAD + "        negative = (hidden * self.model.item_embedding(batch.negatives)).sum(-1)  # (B, L)\n"
    "        present = batch.targets != PADDING\n"
    "        positive, negative = positive[present], negative[present]  # (M,)\n"
    "        positive_loss = F.binary_cross_entropy_with_logits(positive, torch.ones_like(positive))\n"
    "        negative_loss = F.binary_cross_entropy_with_logits(negative, torch.zeros_like(negative))\n"
    + RETURNED
)


def edit(old: str, new: str, path: str = "recommender.py") -> dict[str, str]:
    return {"path": path, "old": old, "new": new}


# idea -> (title, edits of the coder, edits of the debugger once they fail)
IDEAS: dict[str, tuple[str, list[dict[str, str]], list[dict[str, str]]]] = {
    "full-cross-entropy": (
        "Cross-entropy over all items",
        [edit(LOSS_BODY, "        present = batch.targets != PADDING\n" + SOFTMAX)],
        [],
    ),
    "wider-model": ("A model of 64 dimensions", [edit("    dim: int = 50", "    dim: int = 64")], []),
    "more-dropout": ("Dropout of .3", [edit("    dropout: float = 0.2", "    dropout: float = 0.3")], []),
    "misspelt-loss": (
        "Sharper pairs",
        [edit(RETURNED, "        return possitive_loss + negative_loss")],
        [
            edit(
                "        return possitive_loss + negative_loss",
                "        return 1.2 * positive_loss + negative_loss",
            )
        ],
    ),
    "dead-term": (
        "Spread the items",
        [
            edit(
                "    def item_embeddings(self) -> Tensor:",
                "    def spread(self) -> Tensor:\n        return self.model.item_embedding.weight.std()\n\n"
                "    def item_embeddings(self) -> Tensor:",
            )
        ],
        [],
    ),
    "judge-myself": (
        "A better split",
        [edit("", "import os", "../outside.py"), edit("seed = 0", "seed = 1", "evolverec.toml")],
        [],
    ),
}
ORDER = ("full-cross-entropy", "misspelt-loss", "wider-model", "dead-term", "more-dropout", "judge-myself")


def ids(request: Request, section: str) -> list[str]:
    """Ids of the findings or critiques that the planner's prompt lists."""
    match = re.search(rf"## {section}.*?(?=\n## |\Z)", request.text, re.DOTALL)
    return re.findall(r"^- id ([0-9a-f]{12}):", match[0], re.MULTILINE) if match else []


def planned(request: Request, code: str, *, lazy: bool = False) -> dict[str, Any]:
    findings, critiques = ids(request, "Findings"), ids(request, "Critiques")
    scores = dict.fromkeys(("originality", "potential", "user_alignment", "model_alignment", "ease"), 6)
    return {
        "code": code,
        "title": IDEAS[code][0],
        "change": f"Carry out {code}.",
        "why": f"{code} removes the cause.",
        "addresses": findings[:1] + ([] if lazy else critiques[:2]),
        "sources": ["P1", "P77"],
        "scores": scores,
        "con": "May do nothing.",
    }


def report(request: Request) -> dict[str, Any]:
    """Ideas in a fixed order, those that the history names left out; the last resort addresses too little."""
    fresh = [code for code in ORDER if f"({code})" not in request.text]
    chosen = fresh or list(ORDER)
    return {
        "insights": ["One negative per positive saturates."] * 3,
        "directions": ["Rank against more items."] * 3,
        "ideas": [planned(request, code, lazy=code == "judge-myself") for code in chosen],
        "chosen": chosen[0],
    }


def reflection(request: Request) -> dict[str, Any]:
    chosen = re.search(r"^Chosen: (\S+)$", request.text, re.MULTILINE)
    assert chosen, request.text[-500:]
    return {"verdict": "It stands.", "ideas": [], "chosen": chosen[1]}


def idea_in(request: Request) -> str:
    return next(code for code, (title, _, _) in IDEAS.items() if title in request.text)


def coded(request: Request) -> dict[str, Any]:
    return {"approach": "As planned.", "edits": IDEAS[idea_in(request)][1], "patch": ""}


def debugged(request: Request) -> dict[str, Any]:
    return {"cause": "A slip.", "edits": IDEAS[idea_in(request)][2], "patch": ""}


PROBE = """import numpy as np


def measure(view):
    level = np.log1p(view.popularity)
    found = []
    for place in range(len(view.users)):
        page = view.lists[place, :10]
        page = page[page > 0]
        own = level[view.histories[place]].mean()
        found.append(level[page].mean() - own if len(page) else np.nan)
    return np.array(found)
"""


ANSWERS: dict[str, Any] = {
    "plan-queries": {"queries": [{"text": "sampled softmax negatives overconfidence"}]},
    "plan-report": report,
    "plan-reflect": reflection,
    "code": coded,
    "code-reflect": {"faults": [], "verdict": "fine", "edits": [], "patch": ""},
    "debug": debugged,
    "probe": {
        "reasoning": "A page of bestsellers lies above what its user takes.",
        "name": "page-above-own-popularity",
        "definition": "Mean log popularity of the page minus that of the user's own events.",
        "unit": "log events",
        "higher_is_better": False,
        "source": PROBE,
    },
    "persona": judge_by_kind,
    "persona-choice": rank_by_kind,
    "aggregate": put_into_words,
    "judge": {
        quality: {"score": score, "because": "Line 97."}
        for quality, score in (
            ("creativity", 4),
            ("explicitness", 8),
            ("insight", 7),
            ("personalization", 99),
        )
    },
}


def colleague(**changed: Any) -> Script:
    """changed: answers by prompt name, "-" written as "_", in place of the usual ones."""
    return by_prompt({**ANSWERS, **{name.replace("_", "-"): answer for name, answer in changed.items()}})

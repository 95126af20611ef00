"""Probe candidates whose worth is known: good ones, and several of every fault that a probe author can make.

Each names the model it is tried on (see `grounds.py`), which has the fault that users complain of.
"""

from dataclasses import dataclass, field

from diagnosis.coevolution.spec import ProbeSpec


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """faults: reasons that admission may give, () for a good probe."""

    id: str
    on: str
    complaint: str
    better: str  # "higher" or "lower"
    source: str = ""
    template: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    faults: tuple[str, ...] = ()

    @property
    def signal(self) -> str:
        return self.complaint.partition("-")[2]

    @property
    def spec(self) -> ProbeSpec:
        return ProbeSpec(
            name=self.id,
            complaint=self.complaint,
            signal=self.signal,
            definition="a candidate",
            unit="of its own",
            higher_is_better=self.better == "higher",
            author="test",
            template=self.template,
            parameters=self.parameters,
            source=self.source,
        )


def _of_users(body: str, head: str = "") -> str:
    """A probe in the plainest form: `value` for each user s with `page`, `history`, `last`."""
    lines = "\n".join(f"        {line}" for line in body.strip().splitlines())
    return (
        f"import numpy as np\n\n{head}\n\ndef measure(view):\n    found = []\n"
        "    for s in range(len(view.users)):\n"
        "        page = view.lists[s, :10]\n        page = page[page > 0]\n"
        "        history = view.histories[s]\n        last = history[-1]\n"
        f"{lines}\n        found.append(value)\n    return np.array(found, dtype=float)\n"
    )


def _template(id: str, on: str, complaint: str, better: str, kind: str, **parameters: str) -> Candidate:
    return Candidate(id=id, on=on, complaint=complaint, better=better, template=kind, parameters=parameters)


TEMPLATES = (
    _template("t-price-outside", "dear", "missed-price", "lower", "rate", condition="price-outside-own"),
    _template("t-price-gap", "dear", "missed-price", "lower", "gap", column="price", absolute="yes"),
    _template(
        "t-kind-history", "dear", "missed-category", "higher", "rate", condition="subcategory-of-history"
    ),
    _template(
        "t-kind-recent", "dear", "missed-category", "higher", "rate", condition="subcategory-of-recent"
    ),
    _template(
        "t-favourite-kind", "dear", "missed-category", "higher", "rate", condition="favourite-subcategory"
    ),
    _template("t-stores", "one-store", "missed-store", "higher", "rate", condition="store-of-history"),
    _template("t-stores-recent", "one-store", "missed-store", "higher", "rate", condition="store-of-recent"),
    _template("t-crowded-store", "one-store", "overused-store", "lower", "rate", condition="crowded-store"),
    _template(
        "t-crowded-kind", "last-kind", "overused-category", "lower", "rate", condition="crowded-subcategory"
    ),
    _template(
        "t-last-kind", "last-kind", "overused-sequence", "lower", "rate", condition="subcategory-of-last"
    ),
    _template("t-follows", "dear", "missed-sequence", "higher", "rate", condition="follows-last"),
    _template(
        "t-order-kind", "dear", "missed-sequence", "higher", "sensitivity", condition="subcategory-of-last"
    ),
    _template("t-stuck", "last-kind", "missed-variety", "lower", "rate", condition="subcategory-of-recent"),
    _template("t-jumps", "dear", "overused-variety", "higher", "rate", condition="subcategory-of-last"),
    _template("t-low-rated", "low-rated", "missed-quality", "higher", "gap", column="rating"),
    _template("t-rating-order", "low-rated", "missed-quality", "higher", "correlation", column="rating"),
    _template(
        "t-rated-above", "high-rated", "overused-quality", "lower", "rate", condition="rating-above-own"
    ),
    _template("t-obscure", "rare", "missed-popularity", "higher", "correlation", column="popularity"),
)

WRITTEN = (
    Candidate(
        id="w-price-ratio", on="dear", complaint="missed-price", better="lower",
        source=_of_users(
            "own = np.log(view.price[history])\n"
            "shown = np.log(view.price[page])\n"
            "value = abs(np.nanmean(shown) - np.nanmedian(own))"
        ),
    ),
    Candidate(
        id="w-price-range", on="dear", complaint="missed-price", better="lower",
        source=_of_users(
            "own = view.price[history]\nshown = view.price[page]\n"
            "value = np.mean((shown > np.nanmax(own)) | (shown < np.nanmin(own)))"
        ),
    ),
    Candidate(
        id="w-kinds-covered", on="dear", complaint="missed-category", better="higher",
        source=_of_users(
            "own = np.unique(view.subcategory[history])\nown = own[own > 0]\n"
            "value = np.isin(own, view.subcategory[page]).mean() if len(own) else np.nan"
        ),
    ),
    Candidate(
        id="w-kinds-by-weight", on="dear", complaint="missed-category", better="higher",
        source=_of_users(
            "size = int(view.subcategory.max()) + 1\n"
            "taste = np.bincount(view.subcategory[history], minlength=size) / len(history)\n"
            "value = taste[view.subcategory[page]].mean()"
        ),
    ),
    Candidate(
        id="w-store-herfindahl", on="one-store", complaint="overused-store", better="lower",
        source=_of_users(
            "share = np.bincount(view.store[page]) / len(page)\nvalue = (share ** 2).sum()"
        ),
    ),
    Candidate(
        id="w-store-distance", on="one-store", complaint="missed-store", better="lower",
        source=_of_users(
            "size = int(view.store.max()) + 1\n"
            "own = np.bincount(view.store[history], minlength=size) / len(history)\n"
            "shown = np.bincount(view.store[page], minlength=size) / len(page)\n"
            "value = np.abs(own - shown).sum() / 2"
        ),
    ),
    Candidate(
        id="w-first-follower", on="dear", complaint="missed-sequence", better="higher",
        source=_of_users(
            "hits = np.flatnonzero(np.isin(view.lists[s], view.followers[last]))\n"
            "value = 1.0 / (1 + hits[0]) if len(hits) else 0.0"
        ),
    ),
    Candidate(
        id="w-entropy", on="last-kind", complaint="overused-category", better="higher",
        source=_of_users(
            "share = np.bincount(view.subcategory[page]) / len(page)\nshare = share[share > 0]\n"
            "value = -(share * np.log(share)).sum()"
        ),
    ),
    Candidate(
        id="w-pairs-alike", on="last-kind", complaint="missed-variety", better="lower",
        source=_of_users(
            "kinds = view.subcategory[page]\nrecent = view.subcategory[history[-3:]]\n"
            "value = (kinds[:, None] == recent[None, :]).mean()"
        ),
    ),
    Candidate(
        id="w-rating-shortfall", on="low-rated", complaint="missed-quality", better="lower",
        source=_of_users(
            "known = view.rating[1:]\nusual = np.nanmean(known)\n"
            "value = np.nanmean(np.maximum(usual - view.rating[page], 0.0))"
        ),
    ),
    Candidate(
        id="w-rating-excess", on="high-rated", complaint="overused-quality", better="lower",
        source=_of_users("value = np.nanmean(view.rating[page]) - np.nanmean(view.rating[history])"),
    ),
    Candidate(
        id="w-score-of-last-kind", on="last-kind", complaint="overused-sequence", better="lower",
        source=_of_users(
            "same = view.subcategory == view.subcategory[last]\n"
            "allowed = np.isfinite(view.scores[s])\n"
            "order = np.argsort(np.argsort(view.scores[s][allowed])) / allowed.sum()\n"
            "value = order[same[allowed]].mean() if same[allowed].any() else np.nan"
        ),
    ),
)  # fmt: skip

GOOD = (*TEMPLATES, *WRITTEN)

_SHARE_OF_OWN_KINDS = _of_users("value = np.isin(view.subcategory[page], view.subcategory[history]).mean()")
_PRICE_GAP = _of_users("value = abs(np.nanmean(view.price[page]) - np.nanmedian(view.price[history]))")
_QUANTILE = (
    "def quantiles(view):\n    order = np.argsort(np.argsort(view.popularity[1:]))\n"
    "    return np.concatenate([[0.0], order / view.n_items])\n"
)


def _bad(
    id: str,
    source: str,
    *faults: str,
    on: str = "dear",
    complaint: str = "missed-category",
    better: str = "higher",
) -> Candidate:
    return Candidate(id=id, on=on, complaint=complaint, better=better, source=source, faults=faults)


BAD = (
    # not finite
    _bad("nan-log", _of_users("value = np.log(-1.0 - len(page))"), "not-finite"),
    _bad("nan-mostly", _of_users("value = 1.0 if s % 3 == 0 else np.nan"), "not-finite"),
    _bad("infinite", _of_users("value = 1.0 / np.float64(np.isin(page, history).sum())"), "not-finite"),
    # hides its failures
    _bad("swallows-bare", _of_users("try:\n    value = view.nothing[page].mean()\nexcept:\n    value = 0.0"), "swallows-exceptions"),
    _bad("swallows-named", _of_users("try:\n    value = view.price[page].mean()\nexcept Exception:\n    value = 0.5"), "swallows-exceptions"),
    _bad("raises", _of_users("value = view.price[page][50]"), "raised"),
    _bad("unknown-evidence", _of_users("value = view.genres[page].mean()"), "raised"),
    _bad("absent-evidence", _of_users("value = view.item_embeddings[page].mean()"), "absent-evidence"),
    # constant
    _bad("constant-zero", "import numpy as np\n\ndef measure(view):\n    return np.zeros(len(view.users))\n", "constant"),
    _bad("constant-of-user", _of_users("value = float(len(history))"), "constant"),
    _bad("constant-of-item", _of_users("value = float(view.price[last])"), "constant"),
    # what serving forbids
    _bad("repeats-seen", _of_users("value = np.isin(page, history).mean()"), "serving-forbids", complaint="track-repetition", better="lower", on="last-kind"),
    _bad("repeats-last", _of_users("value = float(last in page)"), "serving-forbids", complaint="track-repetition", better="lower", on="last-kind"),
    _bad("resurfaces-by-score", _of_users("seen = view.scores[s][history]\nvalue = np.isfinite(seen).mean()"), "serving-forbids", complaint="track-repetition", better="lower", on="last-kind"),
    # copies
    _bad("copy-popularity", _of_users("value = quantiles(view)[page].mean()", _QUANTILE), "copy", complaint="missed-popularity", on="rare"),
    _bad("copy-monotone", _of_users("value = np.exp(5 * quantiles(view)[page].mean())", _QUANTILE), "copy", complaint="missed-popularity", on="rare"),
    _bad("copy-negated", _of_users("value = 3.0 - quantiles(view)[page].mean() ** 3", _QUANTILE), "copy", complaint="missed-popularity", on="rare", better="lower"),
    Candidate(id="copy-off-category", on="dear", complaint="missed-category", better="higher", template="rate", parameters={"condition": "category-of-history"}, faults=("copy",)),
    Candidate(id="copy-template", on="rare", complaint="missed-popularity", better="higher", template="gap", parameters={"column": "popularity"}, faults=("copy",)),
    # wrong sign
    _bad("sign-kinds", _SHARE_OF_OWN_KINDS, "wrong-sign", better="lower"),
    _bad("sign-price", _PRICE_GAP, "wrong-sign", complaint="missed-price", better="higher"),
    _bad("sign-store", _of_users("value = np.isin(view.store[page], view.store[history]).mean()"), "wrong-sign", complaint="missed-store", on="one-store", better="lower"),
    _bad("sign-crowd", _of_users("share = np.bincount(view.subcategory[page]) / len(page)\nvalue = share.max()"), "wrong-sign", complaint="overused-category", on="last-kind"),
    # measures nothing, or something else
    _bad("noise", "import numpy as np\n\ndef measure(view):\n    return np.random.default_rng(view.seed).random(len(view.users)) + 1e-3 * view.lists[:, 0] / view.n_items\n", "no-effect", "wrong-sign"),
    _bad("stores-not-popularity", _of_users("value = np.isin(view.store[page], view.store[history]).mean()"), "measures-something-else", "wrong-sign", "no-effect", complaint="missed-popularity", on="rare"),
    _bad("kinds-not-price", _SHARE_OF_OWN_KINDS, "measures-something-else", complaint="missed-price"),
    _bad("few-users-by-seed", "import numpy as np\n\ndef measure(view):\n    rng = np.random.default_rng(view.seed)\n    kept = rng.random(len(view.users)) < 0.02\n    own = np.array([np.isin(view.subcategory[p[:10]], view.subcategory[h]).mean() for p, h in zip(view.lists, view.histories)])\n    return np.where(kept, own, 0.0)\n", "no-effect", "unstable", "measures-something-else"),
    # budget
    _bad("slow-loop", _of_users("value = 0.0\nfor i in range(3_000_000):\n    value += i % 7"), "over-time"),
    _bad("endless", "def measure(view):\n    while True:\n        pass\n", "over-time"),
    _bad("huge-array", "import numpy as np\n\ndef measure(view):\n    return np.ones((700, 1_000_000)).mean() * np.ones(len(view.users))\n", "over-memory"),
    _bad("hoards", "import numpy as np\n\ndef measure(view):\n    kept = []\n    for i in range(60):\n        kept.append(np.full(12_500_000, float(i)))\n    return np.ones(len(view.users)) * len(kept)\n", "over-memory"),
    # not deterministic
    _bad("global-random", _of_users("value = np.random.rand()"), "not-deterministic"),
    _bad("unseeded", _of_users("value = np.random.default_rng().random()"), "not-deterministic"),
    _bad("aliased-random", _of_users("r = np.random\nvalue = np.isin(view.subcategory[page], view.subcategory[history]).mean() + 1e-9 * r.standard_normal()"), "not-deterministic", "global-state"),
    # state that outlives a call
    _bad("counts-calls", "import numpy as np\n\ncalls = []\n\ndef measure(view):\n    calls.append(1)\n    return np.full(len(view.users), float(len(calls)))\n", "global-state"),
    _bad("remembers-in-default", "import numpy as np\n\ndef measure(view, seen=[]):\n    seen.append(1)\n    return np.full(len(view.users), float(len(seen)))\n", "global-state", "malformed"),
    _bad("remembers-in-closure", "import numpy as np\n\ndef tally(box=()):\n    return box\n\ndef measure(view):\n    global count\n    count = 1\n    return np.full(len(view.users), float(count))\n", "global-state"),
    _bad("patches-numpy", "import numpy as np\n\ndef measure(view):\n    np.mean = max\n    return np.zeros(len(view.users))\n", "global-state"),
    _bad("writes-to-evidence", _of_users("view.lists[s, 0] = 1\nvalue = float(view.lists[s, 0])"), "raised"),
    _bad("reseeds", _of_users("f = np.random.seed\nf(3)\nvalue = np.isin(view.subcategory[page], view.subcategory[history]).mean()"), "global-state"),
    # files, network, processes, the interpreter
    _bad("opens-file", "import numpy as np\n\ndef measure(view):\n    return np.full(len(view.users), float(len(open('/etc/passwd').read())))\n", "forbidden"),
    _bad("loads-labels", "import numpy as np\n\ndef measure(view):\n    return np.load('/evolverec/evidence/targets/validation.npy').astype(float)\n", "forbidden"),
    _bad("maps-file", "import numpy as np\n\ndef measure(view):\n    f = np.memmap\n    return f('/etc/passwd')[:len(view.users)].astype(float)\n", "forbidden"),
    _bad("hidden-file", "import numpy as np\n\ndef measure(view):\n    f = np.char.chararray\n    np.ones(3).tofile('/tmp/left')\n    return np.ones(len(view.users))\n", "forbidden"),
    _bad("socket", "import socket\nimport numpy as np\n\ndef measure(view):\n    socket.create_connection(('127.0.0.1', 80))\n    return np.ones(len(view.users))\n", "forbidden"),
    _bad("downloads", "import numpy as np\nfrom urllib.request import urlopen\n\ndef measure(view):\n    return np.full(len(view.users), float(len(urlopen('http://127.0.0.1/').read())))\n", "forbidden"),
    _bad("subclasses", "import numpy as np\n\ndef measure(view):\n    return np.full(len(view.users), float(len(().__class__.__base__.__subclasses__())))\n", "forbidden"),
    _bad("getattr", "import numpy as np\n\ndef measure(view):\n    return getattr(np, 'lo' + 'ad')('/etc/passwd')\n", "forbidden"),
    # shape
    _bad("scalar", _of_users("value = 1.0").replace("return np.array(found, dtype=float)", "return float(sum(found))"), "wrong-shape"),
    _bad("no-function", "import numpy as np\n\ndef probe(view):\n    return np.zeros(len(view.users))\n", "malformed"),
    _bad("no-python", "Here is the probe you asked for:\n\ndef measure(view): return 1\n", "malformed"),
)  # fmt: skip

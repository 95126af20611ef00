"""How often diagnosis names a planted cause, on the right line, and how often it accuses innocent code.

    python tests/bench/defects.py                     the whole bench; result in docs/results/defects.json
    python tests/bench/defects.py --static            static rules alone, seconds; nothing of the repos runs
    python tests/bench/defects.py --repo mult_vae --kind penalty-outweighs --only NAME --show
    python tests/bench/defects.py --epochs 6          quicker: causes need no long training, symptoms do
    python tests/bench/defects.py --check             the format of all variants

Results of single variants are kept in a folder (--keep), so that a stopped bench goes on where it was.
"""

import argparse
import ast
import json
import re
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parent)]

from figures import record

from tests.defects import product
from tests.defects.scoring import Found, score
from tests.defects.variants import ASIDE, BENCH, READ, BadVariant, Variant, all_variants, places, plant

Kinds = dict[str, dict[str, Any]]


def read_kinds() -> Kinds:
    """Kind -> about, row, codes, area; those of the kept-aside parts included."""
    kinds: Kinds = {}
    for path in (part / "kinds.toml" for part in (BENCH, *READ, ASIDE)):
        if path.exists():
            for kind, row in tomllib.loads(path.read_text(encoding="utf-8")).items():
                kinds[kind] = {**row, "codes": [*kinds.get(kind, {}).get("codes", []), *row.get("codes", [])]}
    return kinds


def chosen(options: argparse.Namespace) -> list[Variant]:
    """The variants that the command line asks for, healthy ones first, so that false causes are known early."""
    variants = [
        v
        for v in all_variants()
        if (not options.repo or v.repo in options.repo)
        and (not options.kind or v.kind in options.kind)
        and (not options.only or v.name in options.only)
        and (options.aside is None or v.aside == (options.aside == "only"))
    ]
    return sorted(variants, key=lambda v: (not v.healthy, v.aside))


def check(variants: Iterable[Variant], kinds: Kinds) -> list[str]:
    """What is wrong with the variants, in words."""
    wrong = []
    for variant in variants:
        if not variant.healthy and variant.kind not in kinds:
            wrong.append(f"{variant.id}: kind {variant.kind!r} is not in kinds.toml")
        if variant.healthy == bool(variant.cause):
            wrong.append(f"{variant.id}: a defective variant has causing lines, a healthy one none")
        with tempfile.TemporaryDirectory() as folder:
            planted = Path(folder) / variant.repo
            try:
                plant(variant, planted)
                places(variant.cause, planted, variant.id)
                places(variant.near, planted, variant.id)
                for path in planted.rglob("*.py"):
                    ast.parse(path.read_text(encoding="utf-8"))
            except (BadVariant, SyntaxError) as fault:
                wrong.append(f"{variant.id}: {fault}")
    return wrong


def run(
    variant: Variant,
    diagnose: Callable[[Path, Path], list[Found]],
    accepted: dict[str, tuple[str, ...]],
    epochs: int = 0,
) -> dict[str, Any]:
    """One variant through the product: its score, the messages, the seconds. epochs: at most; 0 for the repo's own."""
    with tempfile.TemporaryDirectory(prefix="defect-") as folder:
        planted = Path(folder) / variant.repo
        plant(variant, planted)
        if epochs:
            shorten(planted / "evolverec.toml", epochs)
        started = time.monotonic()
        try:
            found = diagnose(planted, Path(folder) / "config")
            problem = ""
        except (product.ProductFailed, TimeoutError) as fault:
            found, problem = [], str(fault)
        result = score(variant, planted, found, accepted)
        return {
            "id": variant.id,
            "kind": variant.kind,
            "aside": variant.aside,
            "healthy": variant.healthy,
            "seconds": round(time.monotonic() - started, 1),
            "problem": problem,
            "found": [asdict(f) for f in found],
            **asdict(result),
        }


def shorten(config: Path, epochs: int) -> None:
    """Train at most so many epochs."""
    text = config.read_text(encoding="utf-8")
    fewer = re.sub(r"max_epochs = (\d+)", lambda m: f"max_epochs = {min(epochs, int(m[1]))}", text)
    config.write_text(fewer, encoding="utf-8")


def summary(results: list[dict[str, Any]]) -> dict[str, Any]:
    """Shares of the defective variants, and false causes per healthy one."""
    bad = [r for r in results if not r["healthy"]]
    good = [r for r in results if r["healthy"]]
    named = sum(r["named"] for r in bad)
    return {
        "defective": len(bad),
        "kinds": len({r["kind"] for r in bad}),
        "healthy": len(good),
        "named": _share(named, len(bad)),
        "right_line_of_named": _share(sum(r["right_line"] for r in bad), named),
        "right_line_of_all": _share(sum(r["right_line"] for r in bad), len(bad)),
        "silent": _share(sum(r["silent"] for r in bad), len(bad)),
        "false_causes_per_healthy": _share(sum(len(r["false_causes"]) for r in good), len(good)),
        "wrong_accusations_per_defective": _share(sum(len(r["wrong"]) for r in bad), len(bad)),
        "problems": sum(bool(r["problem"]) for r in results),
    }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 3) if whole else None


def table(results: list[dict[str, Any]]) -> str:
    """One line a variant: N named, L on the right line, S silent, W wrong accusations; then the codes."""
    lines = []
    for r in sorted(results, key=lambda r: (not r["healthy"], r["kind"], r["id"])):
        marks = (
            ("N" if r["named"] else "-") + ("L" if r["right_line"] else "-") + ("S" if r["silent"] else "-")
        )
        count = len(r["false_causes"]) if r["healthy"] else len(r["wrong"])
        lines.append(
            f"{marks} {count or '.'} {r['kind'][:30]:30} {r['id'][:46]:46} {' '.join(r['codes'])} {r['problem'][:80]}"
        )
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repo", action="append")
    parser.add_argument("--kind", action="append")
    parser.add_argument("--only", action="append", help="name of a variant")
    parser.add_argument("--aside", choices=("only", "without"), help="default: both, stated apart")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=0, help="train at most so many, for a quick look")
    parser.add_argument("--static", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--show", action="store_true", help="print every message; write no result file")
    parser.add_argument(
        "--keep", type=Path, help="folder of single results; those that are there are not run again"
    )
    parser.add_argument("--name", default="defects", help="name of the result file")
    parser.add_argument("--kept-only", action="store_true", help="score what --keep has, and run nothing")
    options = parser.parse_args()
    kinds, variants = read_kinds(), chosen(options)
    wrong = check(variants, kinds)
    print("\n".join(wrong) or f"{len(variants)} variants keep the format", file=sys.stderr)
    if wrong or options.check:
        return 1 if wrong else 0
    if options.kept_only:
        variants = [variant for variant in variants if kept_file(options, variant).exists()]
    accepted = {kind: tuple(row["codes"]) for kind, row in kinds.items()}

    def one(variant: Variant) -> dict[str, Any]:
        kept = kept_file(options, variant) if options.keep else None
        if kept and kept.exists():
            return again(variant, json.loads(kept.read_text(encoding="utf-8")), accepted)
        run_static = (lambda repo, _: product.static(repo)) if options.static else product.diagnose
        result = run(variant, run_static, accepted, options.epochs)
        if kept:
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(json.dumps(result, indent=1), encoding="utf-8")
        print(
            f"{result['seconds']:6.1f} s {variant.id}: {' '.join(result['codes']) or 'nothing'} {result['problem'][:200]}",
            file=sys.stderr,
        )
        return result

    with ThreadPoolExecutor(options.jobs) as pool:
        results = list(pool.map(one, variants))
    print(table(results))
    if options.show:
        for r in results:
            print(
                f"\n{r['id']}",
                *(f"  {f['nature']} {f['code']} {f['anchors']}: {f['message']}" for f in r["found"]),
                sep="\n",
            )
    figures = {
        "static_only": options.static,
        "epochs": options.epochs or "as many as each repo asks for",
        "bench": summary([r for r in results if not r["aside"]]),
        "kept_aside": summary([r for r in results if r["aside"]]),
    }
    if options.show or options.repo or options.kind or options.only:
        print(json.dumps(figures, indent=2))
        return 0
    record(options.name, {**figures, "variants": {r["id"]: _told(r) for r in results}})
    return 0


def kept_file(options: argparse.Namespace, variant: Variant) -> Path:
    """Where the result of one variant is kept."""
    return options.keep / f"{variant.repo}--{variant.name}.json"


def again(variant: Variant, kept: dict[str, Any], accepted: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    """A kept result, scored anew: kinds.toml or the variant's lines may have changed since."""
    found = [Found(**{**f, "anchors": tuple(map(tuple, f["anchors"]))}) for f in kept["found"]]
    with tempfile.TemporaryDirectory() as folder:
        planted = Path(folder) / variant.repo
        plant(variant, planted)
        return {**kept, "kind": variant.kind, **asdict(score(variant, planted, found, accepted))}


def _told(result: dict[str, Any]) -> str:
    """One word for the table of the result file."""
    if result["healthy"]:
        return "false: " + " ".join(result["false_causes"]) if result["false_causes"] else "quiet"
    word = (
        "named, right line"
        if result["right_line"]
        else "named"
        if result["named"]
        else "silent"
        if result["silent"]
        else "missed"
    )
    return word + (f"; wrong: {' '.join(result['wrong'])}" if result["wrong"] else "")


if __name__ == "__main__":
    sys.exit(main())

"""Are the planted defects real? Trains each variant a few epochs without the product and compares it with its healthy repo.

    python tests/bench/defects_verify.py [EPOCHS] [REPO ...]     0 epochs: as many as evolverec.toml says

Prints for each variant what became of metrics, losses and scores. Kinds that change neither are marked: their defect is
in the repo's own evaluation, in cost, or shows only when a state is restored.
"""

import multiprocessing
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from evolution.repo.config import read_config
from tests.defects.training import train
from tests.defects.variants import Variant, all_variants, plant


def trained(variant: Variant, epochs: int) -> dict[str, Any]:
    """The document of one training, in a fork of this process; {"error": the end of the traceback} of one that fails."""
    ours, theirs = multiprocessing.get_context("fork").Pipe(duplex=False)
    with tempfile.TemporaryDirectory(prefix="verify-") as folder:
        planted = Path(folder) / variant.repo
        plant(variant, planted)
        child = multiprocessing.get_context("fork").Process(target=_train, args=(planted, epochs, theirs))
        child.start()
        theirs.close()
        try:
            return ours.recv()
        except EOFError:
            return {"error": "the process died"}
        finally:
            child.join()


def _train(planted: Path, epochs: int, answer: Any) -> None:
    try:
        answer.send(train(planted, epochs or read_config(planted).training.max_epochs))
    except Exception:  # noqa: BLE001 - whatever a planted defect raises is what is asked for
        answer.send({"error": traceback.format_exc()[-300:]})


def told(variant: Variant, result: dict[str, Any], healthy: dict[str, Any]) -> str:
    """One line on a variant."""
    if "error" in result:
        return f"{'fails as planned' if variant.fails else 'FAILS'} {result['error']!r}"
    changed = [name for name in ("losses", "scores") if str(result[name]) != str(healthy.get(name))] or [
        "NOTHING"
    ]
    figures = (
        f"{result['seconds']:5.1f} s, NDCG@10 {result['NDCG@10']:.3f} (healthy {healthy['NDCG@10']:.3f})"
    )
    return f"{figures}, loss {result['losses'][-1]:.3f} ({healthy['losses'][-1]:.3f}), changed: {' '.join(changed)}"


def main(epochs: int, repos: list[str]) -> None:
    healthy: dict[str, dict[str, Any]] = {}
    for variant in all_variants():
        if repos and variant.repo not in repos:
            continue
        result = trained(variant, epochs)
        if variant.name == "original":
            healthy[variant.repo] = result
        print(f"{variant.id} [{variant.kind}]: {told(variant, result, healthy[variant.repo])}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3, sys.argv[2:])

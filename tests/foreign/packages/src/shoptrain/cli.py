import argparse
import json
from pathlib import Path

import torch
from shopdata import leave_one_out, read_events
from shopmodels import MODELS

from .engine import Engine
from .settings import read_settings


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="shoprec-train")
    parser.add_argument("--config", type=Path, default=Path("configs/small.toml"))
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE")
    args = parser.parse_args(argv)

    settings = read_settings(args.config, args.set)
    events, catalog = read_events(Path(settings["data"]["events"]), settings["data"]["min_events"])
    split = leave_one_out(events)
    torch.manual_seed(settings["train"]["seed"])
    model = MODELS[settings["model"]["name"]](
        len(catalog.visitors), len(catalog.products), settings["model"]["dim"]
    )
    folder = Path(settings["train"]["runs"]) / settings["model"]["name"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "settings.json").write_text(json.dumps(settings))
    best = Engine(model.to(settings["train"]["device"]), split, settings["train"], folder).run()
    print(f"best: {best:.4f}")
    return 0

import sys

import torch
import yaml


class Config(object):
    """A yaml file, then a dict, then `--name=value` of the command line; the later wins."""

    def __init__(self, config_file, config_dict=None):
        with open(config_file, "r", encoding="utf-8") as f:
            self.final = yaml.safe_load(f)
        self.final.update(config_dict or {})
        self.final.update(self._command_line())
        gpu = self.final["use_gpu"] and torch.cuda.is_available()
        self.final["device"] = torch.device("cuda" if gpu else "cpu")

    def _command_line(self):
        found = {}
        for arg in sys.argv[1:]:
            if arg.startswith("--") and "=" in arg:
                name, value = arg[2:].split("=", 1)
                if name in self.final:
                    found[name] = yaml.safe_load(value)
        return found

    def __getitem__(self, item):
        return self.final.get(item)

    def __str__(self):
        return "\n".join(f"{name} = {value}" for name, value in self.final.items())

"""The kit that `init` copies beside a repo's adapter: one file, the user's own from then on."""

from pathlib import Path

KIT_FILE = Path(__file__).with_name("evolverec_kit.py")

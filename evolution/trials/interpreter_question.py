"""Run by the user's interpreter (`-c`, any Python 3) to say what it is; prints one JSON document.

named: folders and files that its editable packages name, by finders, `direct_url.json` and links among its packages.
Folders that a .pth file adds are in its path.
"""

import importlib.util
import json
import sys
import sysconfig
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname


def by_finders():
    """What setuptools' finders of editable packages map names to."""
    for name in [name for name in sys.modules if name.startswith("__editable__")]:
        mapped = getattr(sys.modules[name], "MAPPING", {})
        for path in map(Path, mapped.values() if isinstance(mapped, dict) else ()):
            yield path if path.exists() else path.with_name(path.name + ".py")
        spaces = getattr(sys.modules[name], "NAMESPACES", {})
        for paths in spaces.values() if isinstance(spaces, dict) else ():
            yield from map(Path, paths)


def by_links(folder):
    return [path.resolve() for path in folder.iterdir() if path.is_symlink()]


def by_direct_url(folder):
    """Roots of editable projects."""
    for path in folder.glob("*.dist-info/direct_url.json"):
        if path.is_file() and path.stat().st_size < 65536:
            told = json.loads(path.read_text(encoding="utf-8"))
            if told.get("dir_info", {}).get("editable"):
                yield Path(url2pathname(urlsplit(told["url"]).path))


def named():
    """A project's root counts only where nothing names its packages more closely."""
    folders = [Path(entry) for entry in sys.path if entry]
    found = list(by_finders())
    roots = []
    for folder in folders:
        if folder.name in ("site-packages", "dist-packages") and folder.is_dir():
            found += by_links(folder)
            roots += by_direct_url(folder)
    closer = [path.resolve() for path in found + folders]
    found += [root for root in roots if not any(root.resolve() in (path, *path.parents) for path in closer)]
    return [str(path) for path in found if path.is_absolute()]


def safely_named():
    try:
        return named()
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []  # packages whose records are damaged are not shown; the worker's import says which


print(
    json.dumps(
        {
            "numpy": importlib.util.find_spec("numpy") is not None,
            "executable": sys.executable,
            "version": list(sys.version_info[:2]),
            "path": sys.path,
            "prefixes": [sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix],
            "library": [
                sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "include", "platinclude")
            ],
            "named": safely_named(),
        }
    )
)

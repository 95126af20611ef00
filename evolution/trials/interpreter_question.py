"""Run by the user's interpreter (`-S -c`, any Python 3) to say what it is; prints one JSON document.

It runs outside of any sandbox, so it sets up the path itself, as Python does, but for one thing: `sitecustomize` is
run only where it is an installed one. Python would take it from any folder that a .pth file names, and that of an
editable package is a repo's.

named: folders and files that its editable packages name, by finders, `direct_url.json` and links among its packages.
Folders that a .pth file adds are in its path.
"""

import importlib.util
import json
import site
import sys
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname


def library_paths():
    import sysconfig  # which takes the prefix at its import: that of an environment is known when `site` has run

    return sysconfig.get_paths()


def set_up_path():
    sys.path[:] = [entry for entry in sys.path if entry]
    for name in ("sitecustomize", "usercustomize"):
        setattr(site, "exec" + name, only_installed(name, getattr(site, "exec" + name, None)))
    site.main()


def only_installed(name, execute):
    def run():
        found = importlib.util.find_spec(name)
        origin = Path(found.origin).resolve() if found and found.origin else None
        if (
            execute
            and origin
            and any(folder in (origin.parent, origin.parent.parent) for folder in installed())
        ):
            execute()

    return run


def installed():
    folders = [library_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    for name in ("getsitepackages", "getusersitepackages"):
        found = getattr(site, name)() if hasattr(site, name) else []
        folders += [found] if isinstance(found, str) else found
    return [Path(folder).resolve() for folder in folders]


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


set_up_path()
print(
    json.dumps(
        {
            "numpy": importlib.util.find_spec("numpy") is not None,
            "executable": sys.executable,
            "version": list(sys.version_info[:2]),
            "path": sys.path,
            "prefixes": [sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix],
            "library": [library_paths()[name] for name in ("stdlib", "platstdlib", "include", "platinclude")],
            "named": safely_named(),
        }
    )
)

"""Makes a new repo with a complete, working recommender; used by `evolverec new` and by the language server."""

from pathlib import Path

from evolution.base.errors import UsageError
from evolution.base.given_paths import real_path
from seeds.loading import built_in, described_sources, source_path
from seeds.new import all_seeds


def first_seed() -> str:
    """The name of the default seed (example recommender)."""
    return all_seeds()[0].name


def check_seed(seed: str) -> None:
    """Raises UsageError if there is no seed of this name."""
    from seeds.errors import NewRepoError
    from seeds.new import check_seed

    try:
        check_seed(seed)
    except NewRepoError as error:
        raise UsageError(str(error)) from None


def make_repo(seed: str, folder: Path, data: str) -> dict[str, str]:
    """Write the seed `seed` to a folder that is absent or empty; returns the JSON document of `evolverec new`.

    data: the name of a built-in data set, or the path of a log. Raises UsageError if the seed, data or folder is unusable.
    """
    from seeds.errors import NewRepoError
    from seeds.new import new_repo

    repo = real_path(folder)
    if data not in built_in():
        data = str(real_path(source_path(data, Path())))
        if not Path(data).exists():
            raise UsageError(f"--data {data} does not exist; expected {described_sources()}")
    try:
        new_repo(seed, repo, data=data)
    except NewRepoError as error:
        raise UsageError(str(error)) from None
    return {"repo": str(repo), "seed": seed, "data": data}

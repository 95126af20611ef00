"""A fresh repo with a complete, working recommender, for whoever asks: a terminal or an editor."""

from pathlib import Path

from evolution.base.errors import UsageError

DEMO_DATA = "shop-demo"
SEED = "sasrec"


def make_repo(seed: str, folder: Path, data: str) -> dict[str, str]:
    """Write the seed `seed` to a folder that is absent or empty; the document of `evolverec new`.

    data: shop-micro, shop-demo, shop-full, or the path of a log. Raises UsageError.
    """
    from seeds.errors import NewRepoError
    from seeds.new import new_repo

    if not data.startswith("shop-"):
        data = str(Path(data).expanduser().resolve())
        if not Path(data).exists():
            raise UsageError(
                f"--data {data} does not exist; expected shop-micro, shop-demo, shop-full or a RecBole log"
            )
    try:
        new_repo(seed, folder, data=data)
    except NewRepoError as error:
        raise UsageError(str(error)) from None
    return {"repo": str(folder.resolve()), "seed": seed, "data": data}

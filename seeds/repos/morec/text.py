"""What is known of items in words, as one vector for each: TF-IDF and SVD, or a sentence encoder in a local folder."""

import re
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

WORD = re.compile(r"\w+")
FEWEST_ITEMS = 2  # that a word is in: one that no other item has says nothing of others


def item_texts(data, columns: tuple[str, ...]) -> list[str]:
    """The text of each item, n_items + 1 of them, from these columns of the data; "" of padding and where nothing is known.

    Raises ValueError if no item has a text.
    """
    texts = [""] * (data.n_items + 1)
    for name in columns:
        for item, entry in enumerate(getattr(data.item_columns, name)):
            words = entry if isinstance(entry, str) else " ".join(entry)
            texts[item] = f"{texts[item]} {words}".strip()
    if not any(texts[1:]):
        raise ValueError(
            f"MoRec knows items by their text, and the log has none in {', '.join(columns)}: expected an item file with "
            "titles or categories beside the log. Add one, name another column in Settings.text, or begin with a seed "
            "that knows items by their ids, such as sasrec"
        )
    return texts


def tf_idf_features(texts: list[str], n_features: int) -> Tensor:
    """float32 (n_items + 1, at most n_features): latent semantic analysis of the texts; 0 where there is no word."""
    found = [WORD.findall(text.lower()) for text in texts]
    owner = np.repeat(np.arange(len(texts)), [len(words) for words in found])  # (M,)
    vocabulary, word = np.unique([each for words in found for each in words], return_inverse=True)
    pairs, count = np.unique(np.stack([owner, word]), axis=1, return_counts=True)  # (2, P) item and word
    n_items_with = np.bincount(pairs[1], minlength=len(vocabulary))
    kept = n_items_with[pairs[1]] >= FEWEST_ITEMS
    pairs, count = pairs[:, kept], count[kept]
    weight = count * (np.log(len(texts) / (1 + n_items_with[pairs[1]])) + 1)
    length = np.sqrt(np.bincount(pairs[0], weight**2, minlength=len(texts)))
    values = torch.from_numpy((weight / length[pairs[0]]).astype(np.float32))
    size = (len(texts), len(vocabulary))
    table = torch.sparse_coo_tensor(torch.from_numpy(pairs), values, size, check_invariants=False).coalesce()
    left, strength, _ = torch.svd_lowrank(table, q=min(n_features, *size), niter=4)
    has_words = torch.from_numpy(length > 0)  # of a row of zeros rounding would be left
    return scaled(left * strength * has_words[:, None])


def encoder_features(texts: list[str], folder: str, device: torch.device) -> Tensor:
    """float32 (n_items + 1, width of the encoder) of a sentence encoder as `sentence-transformers` saves one.

    Raises ValueError: no such folder, or no such package.
    """
    if not Path(folder).is_dir():
        raise ValueError(
            f"Settings.encoder is {folder!r}, which is no folder; expected one with a saved sentence encoder"
        )
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError:
        raise ValueError(
            f"Settings.encoder is {folder!r}, and the package to read it is missing: pip install sentence-transformers"
        ) from None
    encoder = SentenceTransformer(folder, device=str(device))
    found = torch.as_tensor(np.asarray(encoder.encode(texts)), dtype=torch.float32)
    return scaled(found * torch.tensor([bool(text) for text in texts])[:, None])


def scaled(features: Tensor) -> Tensor:
    """Rows of one length, so that an entry is about 1; rows of 0 stay."""
    return torch.nn.functional.normalize(features) * features.shape[1] ** 0.5

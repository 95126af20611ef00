import json
import os


class ItemTokenizer:
    """Items to token ids; three special tokens come first."""

    specials = ["[PAD]", "[MASK]", "[UNK]"]
    pad_token_id, mask_token_id, unk_token_id = 0, 1, 2

    def __init__(self, vocab):
        self.vocab = vocab

    @classmethod
    def train(cls, sequences):
        vocab = {token: n for n, token in enumerate(cls.specials)}
        for sequence in sequences:
            for item in sequence:
                vocab.setdefault(item, len(vocab))
        return cls(vocab)

    def __len__(self):
        return len(self.vocab)

    def encode(self, items):
        return [self.vocab.get(item, self.unk_token_id) for item in items]

    def save_pretrained(self, directory):
        with open(os.path.join(directory, "vocab.json"), "w") as f:
            json.dump(self.vocab, f)

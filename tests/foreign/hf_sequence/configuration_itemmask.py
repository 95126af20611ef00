import json
import os


class ItemMaskConfig:
    model_type = "itemmask"

    def __init__(
        self,
        vocab_size=1000,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        hidden_dropout_prob=0.1,
        max_position_embeddings=32,
        initializer_range=0.02,
        pad_token_id=0,
        mask_token_id=1,
        tie_word_embeddings=True,
        **kwargs,
    ):
        self.vocab_size = vocab_size
        self.hidden_size = hidden_size
        self.num_hidden_layers = num_hidden_layers
        self.num_attention_heads = num_attention_heads
        self.intermediate_size = intermediate_size
        self.hidden_dropout_prob = hidden_dropout_prob
        self.max_position_embeddings = max_position_embeddings
        self.initializer_range = initializer_range
        self.pad_token_id = pad_token_id
        self.mask_token_id = mask_token_id
        self.tie_word_embeddings = tie_word_embeddings
        for name, value in kwargs.items():
            setattr(self, name, value)

    def save_pretrained(self, directory):
        with open(os.path.join(directory, "config.json"), "w") as f:
            json.dump(dict(vars(self), model_type=self.model_type), f, indent=2)

    @classmethod
    def from_pretrained(cls, directory):
        with open(os.path.join(directory, "config.json")) as f:
            values = json.load(f)
        values.pop("model_type")
        return cls(**values)

import os
from dataclasses import dataclass
from typing import Optional

import torch
from configuration_itemmask import ItemMaskConfig
from torch import nn


@dataclass
class MaskedModelOutput:
    loss: Optional[torch.Tensor] = None
    logits: Optional[torch.Tensor] = None
    last_hidden_state: Optional[torch.Tensor] = None


class ItemEmbeddings(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.word_embeddings = nn.Embedding(
            config.vocab_size, config.hidden_size, padding_idx=config.pad_token_id
        )
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, input_ids):
        # the newest token has position 0, however much padding stands before
        position_ids = torch.arange(input_ids.size(1) - 1, -1, -1, device=input_ids.device)
        embeddings = self.word_embeddings(input_ids) + self.position_embeddings(position_ids)
        return self.dropout(self.LayerNorm(embeddings))


class PredictionHead(nn.Module):
    def __init__(self, config, decoder_weight):
        super().__init__()
        self.dense = nn.Linear(config.hidden_size, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size)
        self.decoder = nn.Linear(config.hidden_size, config.vocab_size)
        if config.tie_word_embeddings:
            self.decoder.weight = decoder_weight

    def forward(self, hidden_states):
        return self.decoder(self.LayerNorm(nn.functional.gelu(self.dense(hidden_states))))


class ItemMaskedModel(nn.Module):
    config_class = ItemMaskConfig

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.embeddings = ItemEmbeddings(config)
        layer = nn.TransformerEncoderLayer(
            config.hidden_size,
            config.num_attention_heads,
            config.intermediate_size,
            config.hidden_dropout_prob,
            activation="gelu",
            batch_first=True,
        )
        self.encoder = nn.TransformerEncoder(layer, config.num_hidden_layers, enable_nested_tensor=False)
        self.cls = PredictionHead(config, self.embeddings.word_embeddings.weight)
        self.apply(self._init_weights)

    def _init_weights(self, module):
        if isinstance(module, nn.Linear):
            module.weight.data.normal_(mean=0.0, std=self.config.initializer_range)
            if module.bias is not None:
                module.bias.data.zero_()
        elif isinstance(module, nn.Embedding):
            module.weight.data.normal_(mean=0.0, std=self.config.initializer_range)
            if module.padding_idx is not None:
                module.weight.data[module.padding_idx].zero_()

    def forward(self, input_ids, attention_mask=None, labels=None, return_dict=True):
        if attention_mask is None:
            attention_mask = input_ids != self.config.pad_token_id
        hidden_states = self.encoder(self.embeddings(input_ids), src_key_padding_mask=attention_mask == 0)
        logits = self.cls(hidden_states)
        loss = None
        if labels is not None:
            loss_fct = nn.CrossEntropyLoss()  # -100 is no label
            loss = loss_fct(logits.view(-1, self.config.vocab_size), labels.view(-1))
        if not return_dict:
            return (loss, logits) if loss is not None else (logits,)
        return MaskedModelOutput(loss=loss, logits=logits, last_hidden_state=hidden_states)

    def save_pretrained(self, directory):
        os.makedirs(directory, exist_ok=True)
        self.config.save_pretrained(directory)
        torch.save(self.state_dict(), os.path.join(directory, "pytorch_model.bin"))

    @classmethod
    def from_pretrained(cls, directory):
        model = cls(cls.config_class.from_pretrained(directory))
        model.load_state_dict(torch.load(os.path.join(directory, "pytorch_model.bin"), map_location="cpu"))
        return model.eval()

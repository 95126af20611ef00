from pathlib import Path

import torch
from dinrec.conf import load_settings
from dinrec.data.examples import ExampleBuilder
from dinrec.data.features import ItemFeatureStore
from dinrec.data.loader import CandidateLoader
from dinrec.data.negatives import NegativeSampler
from dinrec.model.din import DeepInterestNetwork
from dinrec.train.serving import Server
from dinrec.train.trainer import Trainer
from dinrec.train.validator import Validator

CONF = Path(__file__).parent / "conf" / "din.json"


class Application:
    """What the framework talks to: a trainer, and a server over the same network."""

    def __init__(self, trainer, server):
        self._trainer = trainer
        self._server = server

    def fit(self):
        yield from self._trainer.run()

    def score(self, users, histories):
        return self._server.rank_all(histories)

    def item_embeddings(self):
        return self._server.item_vectors()

    def state_dict(self):
        return self._trainer.network.state_dict()

    def load_state_dict(self, state):
        self._trainer.network.load_state_dict(state)

    def export(self, path):
        """Write the weights of the best epoch so far."""
        torch.save(self._trainer.best_weights, path)


def build(data, *, device, seed):
    torch.manual_seed(seed)
    settings = load_settings(CONF)
    device = torch.device(device)
    features = ItemFeatureStore.from_catalogue(data)
    examples = ExampleBuilder(settings).from_log(data)
    sampler = NegativeSampler(data.n_items, examples.owned, seed)
    loader = CandidateLoader(examples.train, sampler, settings.train, seed)
    network = DeepInterestNetwork(features, settings.model).to(device)
    validator = Validator(examples.valid, examples.owned, settings.valid, data.n_items)
    trainer = Trainer(network, loader, validator, settings.train, device)
    return Application(trainer, Server(network, settings.model.history_len, device))

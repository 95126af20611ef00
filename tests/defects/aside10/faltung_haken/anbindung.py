import numpy as np
import torch

from daten import auffuellen, lader
from lauf import Paarlauf
from netz import Faltungsnetz
from start import optionen


class Empfehler:
    def __init__(self, data, device, seed):
        opt = optionen([])
        opt.geraet = device
        grenzen = np.asarray(data.offsets)
        kaeufe = {k: np.asarray(data.items[grenzen[k]:grenzen[k + 1]]).tolist() for k in range(1, data.n_users + 1)}
        netz = Faltungsnetz(data.n_users, data.n_items, opt)
        self.opt = opt
        self.lauf = Paarlauf(netz, lader(kaeufe, data.n_items, opt, seed), opt)

    def fit(self):
        for _ in range(self.opt.epochen):
            yield self.lauf.epoche()

    def score(self, users, histories):
        davor = auffuellen([zeile[zeile > 0] for zeile in np.asarray(histories)], self.opt.fenster)
        return self.lauf.frage(np.asarray(users), davor)

    def state_dict(self):
        return self.lauf.netz.state_dict()

    def load_state_dict(self, state):
        self.lauf.netz.load_state_dict(state)


def build(data, *, device, seed):
    torch.manual_seed(seed)
    return Empfehler(data, device, seed)

"""Trainingslauf mit Haken. Wer einen anderen Verlust will, erbt von Grundlauf."""
import copy

import torch
import torch.nn as nn
import torch.nn.functional as F


class Haken:
    def vor_epoche(self, lauf):
        pass

    def nach_rueckwaerts(self, lauf):
        pass

    def nach_schritt(self, lauf, verlust):
        pass

    def nach_epoche(self, lauf):
        pass


class Kappen(Haken):
    def __init__(self, grenze):
        self.grenze = grenze

    def nach_rueckwaerts(self, lauf):
        nn.utils.clip_grad_norm_(lauf.netz.parameters(), self.grenze)


class Mittel(Haken):
    """Mittlerer Verlust der Epoche"""

    def vor_epoche(self, lauf):
        self.summe, self.zahl = 0., 0

    def nach_schritt(self, lauf, verlust):
        self.summe = self.summe + verlust
        self.zahl += 1

    def nach_epoche(self, lauf):
        lauf.bericht['loss'] = float(self.summe) / self.zahl


class Bester(Haken):
    """Merkt sich die Gewichte der besten Epoche"""

    def __init__(self, bewerte):
        self.bewerte = bewerte
        self.wert, self.gewichte = -1., None

    def nach_epoche(self, lauf):
        wert = self.bewerte(lauf)['ndcg']
        lauf.bericht['ndcg'] = wert
        if wert > self.wert:
            self.wert, self.gewichte = wert, copy.deepcopy(lauf.netz.state_dict())


class Grundlauf:
    def __init__(self, netz, lader, opt, haken=()):
        self.netz = netz.to(opt.geraet)
        self.lader = lader
        self.geraet = opt.geraet
        self.optimierer = torch.optim.Adam(netz.parameters(), lr=opt.rate, weight_decay=opt.zerfall)
        self.haken = [Mittel(), Kappen(opt.kappen), *haken]
        self.bericht = {}

    def rufe(self, name, *args):
        for haken in self.haken:
            getattr(haken, name)(self, *args)

    def verlust(self, *buendel):
        raise NotImplementedError

    def schritt(self, buendel):
        self.optimierer.zero_grad()
        verlust = self.verlust(*buendel)
        verlust.backward()
        self.rufe('nach_rueckwaerts')
        self.optimierer.step()
        self.rufe('nach_schritt', verlust.detach())

    def epoche(self):
        self.netz.train()
        self.rufe('vor_epoche')
        for buendel in self.lader:
            self.schritt([feld.to(self.geraet) for feld in buendel])
        self.rufe('nach_epoche')
        return dict(self.bericht)

    @torch.no_grad()
    def frage(self, kunden, davor, artikel=None):
        """Punkte (B, M) der Artikel, ohne sie die aller Nummern (B, n + 1)"""
        self.netz.eval()
        kunden = torch.as_tensor(kunden, device=self.geraet)
        davor = torch.as_tensor(davor, device=self.geraet)
        if artikel is None:
            return self.netz.alle(kunden, davor).cpu().numpy()
        return self.netz(kunden, davor, torch.as_tensor(artikel, device=self.geraet)).cpu().numpy()


class Paarlauf(Grundlauf):
    """Gekauft ist 1, gezogen ist 0"""

    def verlust(self, kunden, davor, ziel, gegen):
        punkte = self.netz(kunden, davor, torch.cat([ziel[:, None], gegen], dim=1))
        gut = -F.logsigmoid(punkte[:, 0])
        schlecht = -F.logsigmoid(-punkte[:, 1:]).mean(dim=1)
        return (gut + schlecht).mean()

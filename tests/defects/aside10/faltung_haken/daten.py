"""Käufe -> Beispiele -> Bündel. Artikel und Kunden zählen ab 1, 0 ist leer."""
import csv
from collections import defaultdict

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset


def lies(pfad):
    """CSV kunde,artikel,zeit -> {kunde: [artikel, ...]} nach der Zeit, Anzahl der Artikel"""
    zeilen = defaultdict(list)
    nummern = {}
    with open(pfad, encoding='utf-8') as f:
        for kunde, artikel, zeit in csv.reader(f):
            nr = nummern.setdefault(artikel, len(nummern) + 1)
            zeilen[kunde].append((int(zeit), nr))
    kaeufe = {}
    for nr, paare in enumerate(zeilen.values(), start=1):
        paare.sort(key=lambda p: p[0])
        kaeufe[nr] = [artikel for _, artikel in paare]
    return kaeufe, len(nummern)


def teile(kaeufe, n=2):
    """Die letzten n Käufe jedes Kunden werden zurückgehalten: Training, [(kunde, davor, artikel)] je Stelle"""
    training, halt = {}, [[] for _ in range(n)]
    for kunde, liste in kaeufe.items():
        schnitt = len(liste) - n
        if schnitt < 2:
            training[kunde] = liste
            continue
        training[kunde] = liste[:schnitt]
        for i in range(n):
            halt[i].append((kunde, liste[:schnitt + i], liste[schnitt + i]))
    return training, halt


def auffuellen(listen, breite):
    feld = np.zeros((len(listen), breite), dtype=np.int64)
    for zeile, liste in zip(feld, listen):
        rest = liste[-breite:]
        if len(rest):
            zeile[-len(rest):] = rest
    return feld


class Verlaeufe(Dataset):
    """Ein Beispiel je Kauf, dem etwas vorausging"""

    def __init__(self, kaeufe, fenster):
        self.kaeufe = kaeufe
        self.fenster = fenster
        self.stellen = [(k, t) for k, liste in kaeufe.items() for t in range(1, len(liste))]

    def __len__(self):
        return len(self.stellen)

    def __getitem__(self, nr):
        kunde, t = self.stellen[nr]
        liste = self.kaeufe[kunde]
        return kunde, liste[max(0, t - self.fenster):t], liste[t]


class Ziehung:
    """Zieht Artikel, die ein Kunde nicht gekauft hat"""

    def __init__(self, kaeufe, n_artikel, saat):
        self.n_artikel = n_artikel
        self.rng = np.random.default_rng(saat)
        self.gekauft = np.zeros((max(kaeufe) + 1, n_artikel + 1), dtype=bool)
        for kunde, liste in kaeufe.items():
            self.gekauft[kunde, liste] = True

    def wuerfle(self, wie_viele):
        return self.rng.integers(1, self.n_artikel + 1, size=wie_viele)

    def __call__(self, kunden, anzahl):
        gezogen = self.wuerfle((len(kunden), anzahl))
        for _ in range(50):
            falsch = self.gekauft[np.asarray(kunden)[:, None], gezogen]
            if not falsch.any():
                break
            gezogen[falsch] = self.wuerfle(int(falsch.sum()))
        return gezogen


class Buendler:
    """collate_fn: kunden (B,), davor (B, L), ziel (B,), gegen (B, N)"""

    def __init__(self, ziehung, fenster, anzahl):
        self.ziehung = ziehung
        self.fenster = fenster
        self.anzahl = anzahl

    def __call__(self, beispiele):
        kunden, davor, ziel = zip(*beispiele)
        gegen = self.ziehung(kunden, self.anzahl)
        felder = (np.array(kunden), auffuellen(davor, self.fenster), np.array(ziel), gegen)
        return tuple(torch.as_tensor(f) for f in felder)


def lader(kaeufe, n_artikel, opt, saat):
    ziehung = Ziehung(kaeufe, n_artikel, saat)
    return DataLoader(
        Verlaeufe(kaeufe, opt.fenster),
        batch_size=opt.buendel,
        shuffle=True,
        collate_fn=Buendler(ziehung, opt.fenster, opt.gegen),
        generator=torch.Generator().manual_seed(saat),
    )

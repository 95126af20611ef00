"""Trefferquote und NDCG: der zurückgehaltene Kauf unter 99 Artikeln, die der Kunde nie gekauft hat"""
import numpy as np

from daten import auffuellen


class Bewertung:
    def __init__(self, halt, ziehung, fenster, k=10):
        self.kunden = np.array([kunde for kunde, _, _ in halt])
        self.davor = auffuellen([davor for _, davor, _ in halt], fenster)
        self.ziel = np.array([ziel for _, _, ziel in halt])
        self.ziehung = ziehung
        self.k = k
        self.auswahl = self.kandidaten()

    def kandidaten(self):
        gegen = self.ziehung(self.kunden, 99)
        return np.concatenate([self.ziel[:, None], gegen], axis=1)

    def __call__(self, lauf):
        punkte = lauf.frage(self.kunden, self.davor, self.auswahl)
        rang = (punkte[:, 1:] >= punkte[:, :1]).sum(axis=1)
        treffer = rang < self.k
        return {'hr': treffer.mean(), 'ndcg': (treffer / np.log2(rang + 2)).mean()}

"""Faltungsnetz über die letzten L Käufe (waagrecht und senkrecht), dazu der Kunde"""
import torch
import torch.nn as nn
import torch.nn.functional as F


class Faltungsnetz(nn.Module):
    def __init__(self, n_kunden, n_artikel, opt):
        super().__init__()
        d, hoehe = opt.breite, opt.fenster
        self.kunde = nn.Embedding(n_kunden + 1, d)
        self.artikel = nn.Embedding(n_artikel + 1, d, padding_idx=0)
        self.waagrecht = nn.ModuleList([nn.Conv2d(1, opt.n_waag, (h, d)) for h in range(1, hoehe + 1)])
        self.senkrecht = nn.Conv2d(1, opt.n_senk, (hoehe, 1))
        self.voll = nn.Linear(opt.n_waag * hoehe + opt.n_senk * d, d)
        self.aussetzen = nn.Dropout(opt.aussetzen)
        self.aus = nn.Embedding(n_artikel + 1, 2 * d)
        self.hang = nn.Embedding(n_artikel + 1, 1)
        for tafel in (self.kunde, self.artikel, self.aus):
            nn.init.normal_(tafel.weight, std=d ** -0.5)
        nn.init.zeros_(self.hang.weight)
        with torch.no_grad():
            self.artikel.weight[0] = 0

    def zustand(self, kunden, davor):
        """(B,), (B, L) -> (B, 2d)"""
        bild = self.artikel(davor).unsqueeze(1)  # (B, 1, L, d)
        teile = [self.senkrecht(bild).flatten(1)]
        for faltung in self.waagrecht:
            z = F.relu(faltung(bild)).squeeze(3)
            teile.append(z.max(dim=2).values)
        z = self.aussetzen(torch.cat(teile, dim=1))
        z = F.relu(self.voll(z))
        return torch.cat([z, self.kunde(kunden)], dim=1)

    def forward(self, kunden, davor, artikel):
        """artikel (B, M) -> Punkte (B, M)"""
        z = self.zustand(kunden, davor)
        return torch.einsum('bd,bmd->bm', z, self.aus(artikel)) + self.hang(artikel).squeeze(2)

    def alle(self, kunden, davor):
        return self.zustand(kunden, davor) @ self.aus.weight.T + self.hang.weight.squeeze(1)

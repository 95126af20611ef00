import argparse

import torch

from bewertung import Bewertung
from daten import Ziehung, lader, lies, teile
from lauf import Bester, Paarlauf
from netz import Faltungsnetz


def optionen(argv=None):
    p = argparse.ArgumentParser()
    p.add_argument('--datei', default='kaeufe.csv')
    p.add_argument('--fenster', type=int, default=5)
    p.add_argument('--breite', type=int, default=32)
    p.add_argument('--n_waag', type=int, default=8)
    p.add_argument('--n_senk', type=int, default=4)
    p.add_argument('--aussetzen', type=float, default=0.3)
    p.add_argument('--gegen', type=int, default=4)
    p.add_argument('--buendel', type=int, default=96)
    p.add_argument('--rate', type=float, default=4e-3)
    p.add_argument('--zerfall', type=float, default=0.)
    p.add_argument('--kappen', type=float, default=5.)
    p.add_argument('--epochen', type=int, default=10)
    p.add_argument('--saat', type=int, default=11)
    p.add_argument('--geraet', default='cpu')
    return p.parse_args(argv)


def main():
    opt = optionen()
    torch.manual_seed(opt.saat)
    kaeufe, n_artikel = lies(opt.datei)
    training, (pruef, probe) = teile(kaeufe)
    nie = Ziehung(kaeufe, n_artikel, opt.saat + 1)
    pruefung = Bewertung(pruef, nie, opt.fenster)
    endprobe = Bewertung(probe, nie, opt.fenster)
    bester = Bester(pruefung)
    netz = Faltungsnetz(max(kaeufe), n_artikel, opt)
    lauf = Paarlauf(netz, lader(training, n_artikel, opt, opt.saat), opt, haken=[bester])
    for epoche in range(opt.epochen):
        print(epoche, lauf.epoche())
    netz.load_state_dict(bester.gewichte)
    print('probe', endprobe(lauf))


if __name__ == '__main__':
    main()

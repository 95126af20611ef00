from .dataset import SessionDataLoader
from .lossfunction import LossFunction
from .model import GRU4REC
from .trainer import Trainer

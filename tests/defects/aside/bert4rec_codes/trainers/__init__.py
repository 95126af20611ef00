from .bert import BERTTrainer

TRAINERS = {BERTTrainer.code(): BERTTrainer}


def trainer_factory(args, model, train_loader):
    trainer = TRAINERS[args.trainer_code]
    return trainer(args, model, train_loader)

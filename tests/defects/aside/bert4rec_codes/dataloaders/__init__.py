from .bert import BertDataloader

DATALOADERS = {BertDataloader.code(): BertDataloader}


def dataloader_factory(args, u2seq, item_count):
    return DATALOADERS[args.dataloader_code](args, u2seq, item_count)

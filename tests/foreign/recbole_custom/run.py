import argparse
from logging import getLogger

from boxrec.config import Config
from boxrec.data import create_dataset, data_preparation
from boxrec.trainer import Trainer
from boxrec.utils import get_model, init_logger, init_seed


def run(config_file, **config_dict):
    config = Config(config_file, config_dict)
    init_seed(config["seed"], config["reproducibility"])
    init_logger(config)
    logger = getLogger()
    logger.info(config)

    dataset = create_dataset(config)
    logger.info(dataset)
    train_data, valid_data, test_data = data_preparation(config, dataset)

    model = get_model(config["model"])(config, train_data.dataset).to(config["device"])
    logger.info(model)
    trainer = Trainer(config, model)
    best_valid_score, best_valid_result = trainer.fit(train_data, valid_data)
    test_result = trainer.evaluate(test_data, load_best_model=True)
    logger.info(f"best valid: {best_valid_result}")
    logger.info(f"test result: {test_result}")
    return {"best_valid_score": best_valid_score, "test_result": test_result}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", "-c", type=str, default="config/shop.yaml")
    parser.add_argument("--epochs", type=int, default=None)
    args, _ = parser.parse_known_args()
    overrides = {} if args.epochs is None else {"epochs": args.epochs}
    run(args.config, **overrides)

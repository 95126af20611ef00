import argparse
import json

import torch
from configuration_itemmask import ItemMaskConfig
from data_collator import DataCollatorForItemMasking, collate_for_next_item
from modeling_itemmask import ItemMaskedModel
from tokenization_items import ItemTokenizer
from torch.utils.data import Dataset
from trainer import Trainer, TrainerCallback, TrainingArguments, set_seed


class SequenceDataset(Dataset):
    def __init__(self, sequences, labels=None):
        self.sequences = sequences
        self.labels = labels

    def __len__(self):
        return len(self.sequences)

    def __getitem__(self, index):
        sample = {"input_ids": self.sequences[index]}
        if self.labels is not None:
            sample["label"] = self.labels[index]
        return sample


class PrintProgress(TrainerCallback):
    def on_epoch_end(self, args, state, **kwargs):
        print(f"step {state.global_step} of {state.max_steps}")


def next_item_metrics(model, dataset):
    config = model.config
    features = [dataset[i] for i in range(len(dataset))]
    batch = collate_for_next_item(
        features, config.pad_token_id, config.mask_token_id, config.max_position_embeddings
    )
    logits = model(**batch).logits[:, -1]
    logits[:, :3] = -torch.inf
    labels = torch.tensor([feature["label"] for feature in features])
    rank = (logits > logits.gather(1, labels[:, None])).sum(1)
    return {
        "hit@10": (rank < 10).float().mean().item(),
        "ndcg@10": ((rank < 10) / torch.log2(rank + 2)).mean().item(),
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--train_file", default="data/sequences.jsonl")
    parser.add_argument("--output_dir", default="out")
    parser.add_argument("--num_train_epochs", type=int, default=20)
    parser.add_argument("--learning_rate", type=float, default=3e-3)
    parser.add_argument("--max_length", type=int, default=32)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()

    with open(args.train_file) as f:
        sequences = [json.loads(line)["items"] for line in f]
    tokenizer = ItemTokenizer.train(sequences)
    encoded = [tokenizer.encode(sequence) for sequence in sequences]
    train_dataset = SequenceDataset([sequence[:-1] for sequence in encoded])
    eval_dataset = SequenceDataset([s[:-1] for s in encoded], [s[-1] for s in encoded])

    set_seed(args.seed)
    config = ItemMaskConfig(vocab_size=len(tokenizer), max_position_embeddings=args.max_length)
    model = ItemMaskedModel(config)
    training_args = TrainingArguments(
        output_dir=args.output_dir,
        num_train_epochs=args.num_train_epochs,
        learning_rate=args.learning_rate,
        seed=args.seed,
        device=args.device,
    )
    trainer = Trainer(
        model=model,
        args=training_args,
        data_collator=DataCollatorForItemMasking(
            config.pad_token_id, config.mask_token_id, config.max_position_embeddings
        ),
        train_dataset=train_dataset,
        eval_dataset=eval_dataset,
        compute_metrics=next_item_metrics,
        callbacks=[PrintProgress()],
    )
    trainer.train()
    tokenizer.save_pretrained(args.output_dir)


if __name__ == "__main__":
    main()

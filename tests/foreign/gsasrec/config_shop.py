from config import ExperimentConfig

config = ExperimentConfig(
    dataset_name="shop",
    sequence_length=30,
    embedding_dim=32,
    train_batch_size=64,
    num_heads=1,
    num_blocks=2,
    dropout_rate=0.2,
    negs_per_pos=32,
    max_epochs=100,
    max_batches_per_epoch=20,
    early_stopping_patience=20,
)

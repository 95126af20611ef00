from dataclasses import dataclass, fields


@dataclass
class Arguments:
    # model
    max_seq_length: int = 50
    hidden_size: int = 64
    num_attention_heads: int = 2
    num_hidden_layers: int = 2
    hidden_dropout_prob: float = 0.2
    attention_probs_dropout_prob: float = 0.2
    initializer_range: float = 0.05
    layer_norm_eps: float = 1e-12
    # training
    lr: float = 2e-3
    weight_decay: float = 0.0
    adam_beta2: float = 0.98
    batch_size: int = 32
    num_negatives: int = 8
    gradient_accumulation: int = 1
    warmup_steps: int = 20
    max_grad_norm: float = 5.0
    category_weight: float = 1.0
    # system
    log_freq: int = 10
    gpu_ids: str = "0"
    seed: int = 42


def parse(argv):
    """--lr 0.001 --batch_size 64 ..."""
    kinds = {f.name: f.type for f in fields(Arguments)}
    chosen = {}
    for flag, value in zip(argv[::2], argv[1::2]):
        name = flag.lstrip("-")
        chosen[name] = kinds[name](value)
    return Arguments(**chosen)

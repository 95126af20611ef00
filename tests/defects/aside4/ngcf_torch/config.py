"""All switches in one place."""

EMBED_SIZE = 48
LAYER_SIZES = [48, 48]
NODE_DROPOUT = 0.1
MESS_DROPOUT = [0.1, 0.1]

BATCH_SIZE = 512
PASSES = 12  # over the edges, per epoch
LR = 0.005
DECAY = 1e-4
GAMMA = 0.96

K = [5, 10, 20]

"""Tables made by a factory inside a comprehension; the names say nothing."""

from torch import nn


def lookup(rows, cols):
    made = nn.Embedding(rows, cols, padding_idx=0)  # role: item_table
    nn.init.xavier_normal_(made.weight)  # role: initialization
    return made


def lookups(sizes, cols):
    return nn.ModuleList([lookup(rows, cols) for rows in sizes])


def stack(cols, depth):
    block = nn.TransformerEncoderLayer(  # role: encoder
        cols, 2, cols * 2, 0.1, batch_first=True
    )
    return nn.TransformerEncoder(block, depth)

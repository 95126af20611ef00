"""Evolved probes, written while the model evolves: what they may read, how they are admitted, how they are judged."""

"""Probes that are written while the model evolves: what they may see, how they are judged, how they get in."""

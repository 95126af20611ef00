"""Probes that the user writes: one Python file each in the repo's `probes/`, with a function `measure(view)`."""

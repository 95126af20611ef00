"""Finds copies of the interaction log among a repo's files, by what stands in them. A copy holds the held-out events."""

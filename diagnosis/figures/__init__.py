"""What a repo's own evaluation has printed, held against ours: how it was read, and which protocol brings it about."""

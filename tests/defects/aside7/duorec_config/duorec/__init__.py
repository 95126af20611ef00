"""Sequential recommendation with a causal transformer and a contrastive term between two views of a sequence."""

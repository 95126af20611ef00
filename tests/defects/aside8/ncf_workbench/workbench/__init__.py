"""Neural collaborative filtering on implicit feedback: GMF, MLP and NeuMF behind one engine."""

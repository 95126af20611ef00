"""The loop of Self-EvolveRec: select, plan, carry out, measure, learn, co-evolve."""

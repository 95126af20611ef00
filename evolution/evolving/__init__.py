"""The loop of Self-EvolveRec, whole: select, plan, carry out, measure, learn, co-evolve."""

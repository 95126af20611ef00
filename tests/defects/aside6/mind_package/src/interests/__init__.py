"""Several interests for each customer, by dynamic routing (after MIND and ComiRec-DR)."""

"""Repairs: recipes for causes that have one right answer, carried out on the lines that a finding accuses."""

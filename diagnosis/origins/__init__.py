"""Where a value of the repo's code comes from, followed backwards in the syntax trees of all its files, to the lines that decide it."""

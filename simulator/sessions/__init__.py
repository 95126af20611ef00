"""Whole sessions of statistical users: page after page, with a memory of what was seen and felt, until they leave."""

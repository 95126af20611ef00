"""Runs one candidate inside the user's interpreter (Python 3.9 or later, numpy only). Shipped as one archive."""

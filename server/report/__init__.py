"""Pages made from stored results: each is one self-contained file, works offline,
in light and dark mode and in print.
"""

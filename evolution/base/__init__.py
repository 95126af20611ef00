"""Foundations without knowledge of the other packages: errors, paths, serialisation, atomic writes, code versions."""

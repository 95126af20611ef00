"""Literature on a failure, with citations: a library of techniques that ships with evolverec, and, if the user's own
settings switch them on, arXiv, Semantic Scholar and the endpoint's web search.
"""

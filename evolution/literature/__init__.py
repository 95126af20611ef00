"""What the field knows of a failure: a library of techniques that ships with evolverec, and, where the user's own
settings switch them on, arXiv, Semantic Scholar and the endpoint's web search. Answers come with their citations."""

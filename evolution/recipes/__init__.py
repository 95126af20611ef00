"""Recipes: source transformations that need no LLM, triggered by findings and by users' complaints."""

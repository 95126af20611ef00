"""The user's repo: its config, its versions as git trees, ownership of `.evolverec`, and applying patches."""

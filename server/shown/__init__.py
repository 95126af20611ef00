"""Shared by terminal, report and editor: the knowledge about a repo, and its wording. Independent of LSP."""

"""Reads a repo that was not written for evolverec, without running it, and drafts its evolverec.toml and its adapter."""

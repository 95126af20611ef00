"""The SQLite store of one repo, and the JSON documents made from its records."""

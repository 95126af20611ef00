"""From a stranger's repo to one that evolverec can train."""

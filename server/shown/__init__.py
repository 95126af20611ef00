"""What terminal, report and editor share: what is known of a repo, and the words for it. Knows nothing of LSP."""

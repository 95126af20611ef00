"""From an idea to a patch that runs: coder, debugger, and what a patch must be before anything is trained."""

"""From an idea to a patch that runs: coder, debugger, and the checks that a patch must pass before it is trained."""

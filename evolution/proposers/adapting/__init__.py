"""An LLM completes the adapter that `evolverec init` has drafted, and is corrected by the checks until they pass."""

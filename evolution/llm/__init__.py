"""The LLM client: everything that asks a model does it from here. Only jobs load what talks to an endpoint."""

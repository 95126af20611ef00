"""The LLM client, which sends every request to a model. Only jobs import the parts that talk to an endpoint."""

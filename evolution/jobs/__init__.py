"""Background jobs, each a process of its own: start, cancel, and the work of every kind of job."""

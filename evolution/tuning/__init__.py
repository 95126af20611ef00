"""The numbers of a program's configuration: where they stand, which may be tuned within which ranges, and the next setting to try."""

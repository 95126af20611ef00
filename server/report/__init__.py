"""Pages made from stored results: one self-contained file each, no network, light and dark, fit for print."""

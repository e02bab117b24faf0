"""The torch engine: all runs as one batch, on any device."""

"""Engines: each runs a batch and returns `Runs`; `reference` is what the others must match."""

"""Evidence, what judges it, and the statistics that it needs."""

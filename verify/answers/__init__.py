"""Answers to a question about a setting of one's own: each is what a command prints."""

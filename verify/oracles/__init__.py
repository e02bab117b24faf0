"""Left sides known exactly, the problems for that, and the search for a violated assumption."""

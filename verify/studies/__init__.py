"""The runs that claims are judged on: what is simulated, kept and read again."""

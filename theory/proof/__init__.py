"""The proofs as data, every step checked."""

"""The Triton engine: all steps of a run inside one GPU kernel."""

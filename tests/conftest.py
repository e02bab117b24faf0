"""What every test shares: hypothesis examples are the same on every run and never timed."""

from hypothesis import settings

settings.register_profile("adasam", deadline=None, derandomize=True, database=None)
settings.load_profile("adasam")

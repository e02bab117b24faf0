"""The CPU engine: one run per SIMD lane, all steps in cache, compiled by numba."""

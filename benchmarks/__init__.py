"""What the library costs, beside joblib.Memory and diskcache in the same run: `python -m benchmarks`."""

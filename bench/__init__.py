"""Benchmarks: `python -m bench [names]`; docs/benchmarks.md tells what each one means."""

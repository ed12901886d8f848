"""`make bench`: ratios side by side in one run, medians, written to docs/benchmarks.md."""

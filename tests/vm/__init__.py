"""Virtual machines for tests, the demo and benchmarks: QEMU under software emulation."""

"""From an assembled root to the tree that is committed, in rpm-ostree's order."""

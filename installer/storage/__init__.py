"""Disks: what is there, what will be there, and how it gets written."""

"""Automatic updates: what is configured, when a machine may restart, and what came of it."""

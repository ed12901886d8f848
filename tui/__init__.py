"""The front ends: commands, plain and JSON renderers, screens."""

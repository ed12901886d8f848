"""The verbs of an installation, one a file."""

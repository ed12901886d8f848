"""The verbs of the `photree` command, one a file, imported only when called."""

"""A base commit and an administrator's changes of its packages become one commit, client-side."""

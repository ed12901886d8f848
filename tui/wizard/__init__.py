"""The installer's wizard: one file a page."""

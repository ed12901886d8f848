"""Transactions as jobs: processes of their own that any front end starts, watches and cancels."""

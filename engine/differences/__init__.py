"""What differs between two trees, and between a machine and its tree. Nothing here changes them."""

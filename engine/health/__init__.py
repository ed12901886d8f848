"""Whether a deployment works on this machine, and the way back to the former one when not."""

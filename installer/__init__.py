"""From a kickstart or a wizard's answers to an installed, bootable machine."""

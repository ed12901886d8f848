"""The embedded test distribution: real RPM packages, made from the contents of Debian's."""

"""RPM repositories and packages: metadata, solver, downloads, rpmdb."""

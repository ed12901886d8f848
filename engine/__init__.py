"""The OSTree and RPM engine: no user interface, no prompts, no prints."""

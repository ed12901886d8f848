"""The kickstart file format: document, schema, migration hints, plan."""

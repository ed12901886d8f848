"""Changes of a machine's deployments, one class each: what the verbs and the menus ask for."""

"""The properties: one folder each, and one line in the registry."""

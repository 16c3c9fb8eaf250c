"""Which measurements would teach a model most."""

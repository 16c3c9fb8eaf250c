"""Eight tools for language-model agents over the Model Context Protocol; see docs/use/agents.md."""

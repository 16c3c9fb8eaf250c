"""From candidates to answers: one road, and one renderer a medium."""

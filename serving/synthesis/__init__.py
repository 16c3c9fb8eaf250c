"""How to make a material: precursors from a shelf, balanced reactions, what competes on the way, masses to weigh."""

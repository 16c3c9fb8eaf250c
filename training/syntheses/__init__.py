"""What laboratories reported of making solids: who made the like, from what, how hot and how long."""

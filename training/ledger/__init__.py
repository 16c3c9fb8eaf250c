"""The measurement ledger: what a laboratory measured, checked, and kept for good.

`intake` is the way in, `store` the append-only database, `export` the way to a training table; docs/operate/ledger.md.
"""

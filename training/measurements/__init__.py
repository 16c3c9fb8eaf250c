"""What the ledger and the properties both name of measured values: columns and units, rows, entries, what is known.

`contract` is what a property declares of its kind of measurement; docs/develop/add-a-property.md.
"""

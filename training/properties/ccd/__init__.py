"""Critical current density of lithium | solid electrolyte | lithium cells, under stated conditions."""

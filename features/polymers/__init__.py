"""Polymer electrolytes: repeat units, salts and concentrations become numbers; rdkit is loaded when one is read."""

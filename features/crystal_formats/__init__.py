"""Crystal structures beside CIFs: POSCAR, OPTIMADE documents, and the objects of pymatgen and ASE."""

"""A CIF dropped on the page: the formula's answer at once, the structure's when it was relaxed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Visit

LONGEST_RELAXATION_MS = 240_000  # a process loads a potential of 600 MB, on a machine that is busy
LI3OCL = (
    "data_Li3OCl\n_cell_length_a 3.9\n_cell_length_b 3.9\n_cell_length_c 3.9\n_cell_angle_alpha 90\n"
    "_cell_angle_beta 90\n_cell_angle_gamma 90\n_space_group_name_H-M_alt 'P m -3 m'\nloop_\n_atom_site_label\n"
    "_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\nCl1 0 0 0\nO1 0.5 0.5 0.5\nLi1 0.5 0.5 0\n"
)


def test_the_structures_answer_follows_the_formulas(visit: Visit) -> None:
    """Slow by its nature: a real potential is loaded and relaxes a real crystal."""
    visit.drop(("Li3OCl.cif", LI3OCL))
    visit.predict()
    panel = visit.open_row(0)
    assert "Li3OCl" in panel.inner_text()  # the formula's answer does not wait
    part = panel.locator(".part-structure")
    said = part.locator(".structure-difference")
    said.wait_for(timeout=LONGEST_RELAXATION_MS)
    assert said.inner_text().startswith("As drawn in your CIF")
    assert "Believe the" in part.inner_text() or "Both say the same" in part.inner_text()
    with visit.page.expect_download() as download:
        part.get_by_role("button", name="Download the relaxed CIF").click()
    assert "_atom_site_fract_x" in download.value.path().read_text()


def test_a_formula_has_no_structure(visit: Visit) -> None:
    visit.ask("Li3OCl")
    assert visit.open_row(0).locator(".part-structure").count() == 0

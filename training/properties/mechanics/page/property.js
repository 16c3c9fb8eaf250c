/** What the page shows of mechanics: two columns in the table; all quantities stand in an opened row. */

import { intervalColumn } from "../../cells.js";
import { fixed, significant } from "../../format.js";

export const name = "mechanics";
export const story = "how stiff and how insulating its crystal is";
export const caveat = "Moduli and band gaps are those of dense crystals: pores and glassy parts are not seen.";

const reason = ({ reasons }) => reasons?.mechanics;
const isKnown = ({ applicability }) => applicability.mechanics?.in_domain ?? false;

export function columns() {
  return [
    intervalColumn({
      key: "youngs_modulus_GPa",
      label: "Young's modulus",
      unit: "GPa",
      first: 1,
      interval: ({ mechanics }) => mechanics?.youngs_modulus_GPa ?? null,
      write: (value) => significant(value, 3),
      outer: [0, 1000],
      reason,
      isKnown,
    }),
    intervalColumn({
      key: "pbe_band_gap_eV",
      label: "Band gap (PBE)",
      unit: "eV",
      first: -1,
      interval: ({ mechanics }) => mechanics?.pbe_band_gap_eV ?? null,
      write: (value) => fixed(value, 1),
      outer: [0, 12],
      reason,
      isKnown,
    }),
  ];
}

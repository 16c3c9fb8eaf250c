/** Lists to start from; the last one shows how mistakes are answered. */

export const EXAMPLES = {
  argyrodites: ["Li6PS5Cl", "Li6PS5Br", "Li6PS5I", "Li5.5PS4.5Cl1.5", "Li5.4PS4.4Cl1.0Br0.6", "Li6.6P0.4Ge0.6S5I", "Li6.5Sb0.5Ge0.5S5I", "Li5.5PS4.5Br1.5", "Li6PS5Cl0.5Br0.5", "Li7PS6"],
  halides: ["Li3YCl6", "Li3YBr6", "Li3InCl6", "Li3ErCl6", "Li3ScCl6", "Li2ZrCl6", "Li2.5Y0.5Zr0.5Cl6", "Li2.25Zr0.75Fe0.25Cl6", "LiTaOCl4", "LiNbOCl4", "Li3HoBr6"],
  garnets: ["Li7La3Zr2O12", "Li6.5La3Zr1.5Ta0.5O12", "Li6.25Al0.25La3Zr2O12", "Li6.4Ga0.2La3Zr2O12", "Li5La3Ta2O12", "Li5La3Nb2O12", "Li6.75La3Zr1.75Nb0.25O12", "Li6BaLa2Ta2O12"],
  "one with mistakes": ["Li6PS5Cl", "Li7-3xAlxLa3Zr2O12", "li6ps5cl", "Li1,3Al0,3Ti1,7(PO4)3", "Xx2O3", "UO2", "Li3AcCl6", "Li6PS5Cl2", "Li10GeP2S12"],
};

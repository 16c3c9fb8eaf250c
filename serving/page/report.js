/** The report of one material: the opened panel alone, laid out for one sheet by `report.css`, by the browser's print. */

const MARK = "report";

/** Print the opened panel as a report. */
export function printReport() {
  document.documentElement.classList.add(MARK);
  window.addEventListener("afterprint", () => document.documentElement.classList.remove(MARK), { once: true });
  window.print();
}

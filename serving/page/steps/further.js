/** The steps behind the answers: rank, make, shop, measure; what each needs of the one before. */

import { byId } from "../dom.js";
import { MakeStep } from "./make.js";
import { MeasureStep } from "./measure.js";
import { RankStep } from "./rank.js";
import { ShopStep } from "./shop.js";

const MOST_CANDIDATES = 1000;

/** The four steps as one part of the way. */
export class FurtherSteps {
  /**
   * @param {object} hooks
   * @param {(again: Function) => Promise<object|null>} hooks.batch The answered rows of the question as it stands.
   * @param {() => object|null} hooks.lastBatch Those that were answered last.
   * @param {(step: string) => void} hooks.onStep
   * @param {Function} hooks.onFailure
   * @param {Function} hooks.onAsk Before something is asked.
   * @param {Function} hooks.onOpen
   * @param {Function} hooks.onNote Something changed that belongs into the address.
   * @param {Function} hooks.onAnswer Something was answered, or chosen, that can be taken back.
   */
  constructor(hooks) {
    this.hooks = hooks;
    const { onFailure } = hooks;
    this.rank = new RankStep({
      rows: () => hooks.batch(() => this.rank.rank()),
      onRanked: () => this.answered(),
      onWanted: () => this.answered(),
      onMake: (formulas) => this.planOf(formulas),
      onOpen: hooks.onOpen,
      onFailure,
    });
    this.make = new MakeStep({
      onPlanned: () => this.planned(),
      onRoute: () => this.planned(),
      onFailure,
    });
    this.shop = new ShopStep({ onWeighed: () => this.noted() });
    this.measure = new MeasureStep({ candidates: () => this.candidates(), onChecked: () => this.noted(), onRows: () => this.answered(), onFailure });
    byId("make-next").addEventListener("click", () => hooks.onStep("shop"));
    byId("make-json").addEventListener("click", () => this.make.saveJson());
    byId("measure-take").addEventListener("click", () => this.measure.paste());
  }

  offer(vocabulary) {
    this.rank.offer(vocabulary);
    this.measure.offer(vocabulary);
  }

  save() {
    return [this.rank, this.make, this.shop].flatMap((part) => part.save());
  }

  fill(kept) {
    for (const part of [this.rank, this.make, this.shop]) part.fill(kept);
  }

  notInLink() {
    return this.measure.rows.length > 0 && "the rows of measurements";
  }

  /** The candidates of the list that were judged, beside which a measurement is seen. */
  candidates() {
    const rows = this.hooks.lastBatch()?.rows.filter((row) => row.result.status === "ok") ?? [];
    return rows.slice(0, MOST_CANDIDATES).map(({ candidate: { conditions: _, ...candidate } }) => candidate);
  }

  /** Another list was answered: the ranking of the former one is no longer its own. */
  forget() {
    this.rank.show(null);
  }

  noted() {
    this.hooks.onAsk();
    this.hooks.onNote();
  }

  answered() {
    if (this.resuming) return;
    this.hooks.onAsk();
    this.hooks.onAnswer();
  }

  planned() {
    this.shop.show(this.make.batches());
    this.answered();
  }

  planOf(formulas) {
    this.make.take(formulas);
    this.make.show(null);
    this.hooks.onStep("make");
    void this.make.plan();
  }

  /** What a step shows when it is gone to. */
  enter(step) {
    if (step === "shop") this.shop.show(this.make.batches());
  }

  /** What was answered, for going back. */
  answers() {
    return { rank: this.rank.answer(), make: this.make.answer(), measure: this.measure.answer() };
  }

  restore({ rank, make, measure }) {
    this.rank.show(rank?.ranked ?? null, rank?.chosen ?? null);
    this.make.show(make?.planned ?? null, make?.routes ?? []);
    this.measure.restore(measure);
    this.shop.show(this.make.batches());
  }

  /** Ask what a link asks for at a step. */
  async resume(step) {
    this.resuming = true;
    if (step === "rank") await this.rank.rank();
    if (step === "make" || step === "shop") await this.make.plan(true);
    this.resuming = false;
  }

  done() {
    return { rank: Boolean(this.rank.ranked), make: Boolean(this.make.planned), shop: this.shop.isWhole === true };
  }

  focusRow(row) {
    this.rank.focusRow(row);
  }
}

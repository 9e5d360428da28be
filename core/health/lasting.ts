/** Troubles that last: what one look meets may only be on its way up. @module */

export class Lasting {
  #last: ReadonlySet<string> = new Set();

  /** Takes what a look has found to be wrong, nothing where there is nothing to look at. @returns what the look before has found as well */
  of(found: Iterable<string>): string[] {
    const now = new Set(found);
    const lasting = [...now].filter((one) => this.#last.has(one));
    this.#last = now;
    return lasting;
  }
}

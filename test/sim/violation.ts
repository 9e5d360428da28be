/** What must never happen, and did. @module */
export interface Violation {
  readonly atMs: number;
  /** Which rule: `two-copies`, `two-holders` … */
  readonly rule: string;
  readonly text: string;
}

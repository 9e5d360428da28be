/** A line or more of `cluster status` from a plugin. @module */
import type { QueryContext } from './operation.ts';

/** What there is, counted: `{ 'Guests running': 3, 'Guests stopped': 1 }`. */
export type ObjectCounter = (context: QueryContext) => Promise<Readonly<Record<string, number>>>;

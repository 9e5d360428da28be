/**
 * A booking: how often guests have been placed on a node. Each commit that places one there counts it up, so that two
 * placements that did not see each other conflict, and the second is planned again with the first in view.
 * @module
 */
import { type Doc, defineKind, names, type PlanBuilder, type View, z } from '../../core/plugin/api.ts';

export const booking = defineKind<{ count: number }, null>({
  name: 'booking',
  plural: 'bookings',
  version: 1,
  bookkeeping: true,
  id: names.nodeName,
  spec: z.strictObject({ count: z.int().min(0) }),
  status: z.null(),
});

export type Bookings = readonly Doc<{ count: number }, null>[];

/**
 * The bookings as they are now. They must be read before the guests are: a placement that comes between the two is
 * then one that the plan does not know of, and conflicts with.
 */
export const bookingsOf = (view: View): Promise<Bookings> => view.list(booking);

/** Makes the plan conflict with any other that places a guest on the node and that it has not seen. */
export function book(plan: PlanBuilder, bookings: Bookings, node: string): void {
  const known = bookings.find((one) => one.id === node);
  if (known === undefined) plan.create(booking, node, { count: 1 });
  else plan.update(booking, known, { count: known.spec.count + 1 });
}

/**
 * A booking: how often guests have been placed on a node. Each commit that places one there counts it up, so that two
 * placements that did not see each other conflict, and the second is planned again with the first in view.
 * @module
 */
import { defineKind, names, type PlanBuilder, type View, z } from '../../core/plugin/api.ts';

export const booking = defineKind<{ count: number }, null>({
  name: 'booking',
  plural: 'bookings',
  version: 1,
  id: names.nodeName,
  spec: z.strictObject({ count: z.int().min(0) }),
  status: z.null(),
});

/** Makes the plan conflict with any other that places a guest on the node. */
export async function book(plan: PlanBuilder, view: View, node: string): Promise<void> {
  const known = await view.get(booking, node);
  if (known === undefined) plan.create(booking, node, { count: 1 });
  else plan.update(booking, known, { count: known.spec.count + 1 });
}

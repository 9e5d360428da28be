/** Another machine takes the place of a node: what of the one before still counts. @module */
import { fence, proven } from '../model/fence-kind.ts';
import { node } from '../model/node-kind.ts';
import type { View } from '../operation/view.ts';

/**
 * Why the machine that is that node now must be thought to run yet, with something that another would do a second time; undefined:
 * nothing of it can do harm. What is proven of a machine is proven of one life of it, the last that the cluster knows.
 * @throws PvcError OBJECT_NOT_FOUND when there is no such node
 */
export async function whyOldMachineCounts(view: View, name: string): Promise<string | undefined> {
  const { status } = await view.need(node, name);
  if ((await view.alive()).has(name)) return 'its daemon runs';
  const belongings = await view.belongings(name);
  if (belongings.size === 0) return undefined;
  const open = await view.find(fence, 'node', name);
  if (open?.status !== undefined && proven(open.status.evidence, status?.bootId ?? '')('machine')) return undefined;
  const what = [...belongings].map(([kind, count]) => `${count} of the kind ${kind}`).join(', ');
  return `objects belong to it (${what}), and nothing proves that its machine is off`;
}

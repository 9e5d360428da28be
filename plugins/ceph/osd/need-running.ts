/** What is done to the disks of a node is done by its daemon. @module */
import { node as nodeKind, type View } from '../../../core/plugin/api.ts';
import { osdError } from './osd-kind.ts';

/** @throws PvcError OBJECT_NOT_FOUND, OSD_INPUT */
export async function needRunning(view: View, node: string): Promise<void> {
  await view.need(nodeKind, node);
  if (!(await view.alive()).has(node)) throw osdError('OSD_INPUT', { reason: `the daemon of ${node} does not run` });
}

/** What the operations on volumes share. @module */
import { type Doc, type PlanBuilder, type PlanContext, type Referrer, type View, z } from '../../../core/plugin/api.ts';
import { needPool } from '../pool/operations.ts';
import { pool as poolKind } from '../pool/pool-kind.ts';
import { type VolumeSpec, volume, volumeError, volumeSpec } from './volume-kind.ts';

export const volumeArgument = { field: 'volume', complete: 'volume' } as const;

export const force = z.boolean().default(false).describe('even if the pool could run full');

export const splitRef = (ref: string): { pool: string; name: string } => {
  const [pool = '', name = ''] = ref.split('/');
  return { pool, name };
};

/** `vm web1` */
export const wordsOf = ({ kind, label }: Referrer): string => `${kind} ${label}`;

/** @throws PvcError VOLUME_NOT_FOUND */
export async function needVolume(view: View, ref: string): Promise<Doc<VolumeSpec, null>> {
  const found = await view.find(volume, 'name', ref);
  if (found === undefined) throw volumeError('VOLUME_NOT_FOUND', { volume: ref });
  return found;
}

/**
 * Refuses to take a snapshot away from what is made of it: a snapshot of a whole guest.
 * @throws PvcError SNAPSHOT_USED
 */
export async function needFreeSnapshot(view: View, ref: string, snapshot: string): Promise<void> {
  const users = (await view.referrers('volume-snapshot')).get(`${ref}@${snapshot}`) ?? [];
  if (users.length > 0)
    throw volumeError('SNAPSHOT_USED', { volume: ref, snapshot, users: users.map(wordsOf).join(', ') });
}

/**
 * Plans the document of a volume that a task will make.
 * @param sizeBytes as far as it is known before
 * @param more what else is known of it
 * @returns its id
 * @throws PvcError POOL_NOT_FOUND, VOLUME_EXISTS
 */
export async function newVolume(
  plan: PlanBuilder,
  context: PlanContext,
  ref: string,
  sizeBytes: number,
  more: Partial<Pick<VolumeSpec, 'limits'>> = {},
): Promise<string> {
  const { view, nowMs } = context;
  const { pool, name } = splitRef(ref);
  plan.unchanged(poolKind, await needPool(view, pool));
  if ((await view.find(volume, 'image', ref)) !== undefined) throw volumeError('VOLUME_EXISTS', { volume: ref });
  const id = context.uuid();
  const spec = { pool, name, sizeBytes, createdMs: Math.round(nowMs), making: true, ...more };
  plan.create(volume, id, volumeSpec.parse(spec));
  return id;
}

/** Starts a task on a volume: the primary's, or that of the node that is named. */
export function volumeTask(
  plan: PlanBuilder,
  action: string,
  target: { readonly id: string; readonly label: string },
  input: unknown,
  timeoutMs: number,
  node?: string,
): void {
  plan.task({ action, target: { kind: 'volume', ...target }, node, input, timeoutMs });
}

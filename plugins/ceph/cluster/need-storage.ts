/** Operations on storage need one. @module */
import type { Doc, View } from '../../../core/plugin/api.ts';
import { cephError } from '../command/errors.ts';
import { type CephSpec, type CephStatus, cephId, ceph as cephKind } from './ceph-kind.ts';

/** @throws PvcError CEPH_NONE */
export async function needStorage(view: View): Promise<Doc<CephSpec, CephStatus>> {
  const doc = await view.get(cephKind, cephId);
  if (doc === undefined) throw cephError('CEPH_NONE', {});
  return doc;
}

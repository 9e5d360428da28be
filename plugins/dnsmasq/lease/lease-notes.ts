/** Notes in the store what has become of leases, many in one commit. @module */
import { isDeepStrictEqual } from 'node:util';
import { addressText, PvcError, type Runtime, View, type Write } from '../../../core/plugin/api.ts';
import { dhcp } from '../settings/dhcp-kind.ts';
import { leaseAfter } from './lease-event.ts';
import { lease, leaseId } from './lease-kind.ts';
import type { LeaseReport } from './lease-report.ts';

/** Somebody else wrote one of them in the same moment. */
const tries = 5;

/**
 * What a network without DHCP has given counts no more, and is not noted.
 * @param sure the reports come from the primary (see `leaseAfter`)
 * @throws PvcError what the store throws; nothing was written then, or (STORE_UNKNOWN) nobody knows: it may be asked again
 */
export async function noteLeases(
  runtime: Pick<Runtime, 'documents' | 'write'>,
  reports: readonly LeaseReport[],
  sure: boolean,
): Promise<void> {
  for (let tried = 1; ; tried += 1) {
    const writes = await planned(runtime, reports, sure);
    if (writes.length === 0) return;
    try {
      return await runtime.write(writes);
    } catch (error) {
      if (!(error instanceof PvcError) || error.code !== 'OBJECT_CHANGED' || tried === tries) throw error;
    }
  }
}

async function planned(
  { documents }: Pick<Runtime, 'documents'>,
  reports: readonly LeaseReport[],
  sure: boolean,
): Promise<Write[]> {
  const view = new View(documents);
  const each = await Promise.all(
    reports.map(async ({ vni, event }): Promise<Write[]> => {
      const settings = await view.get(dhcp, vni);
      if (settings === undefined) return [];
      const id = leaseId(vni, addressText(event.address));
      const known = await view.get(lease, id);
      const after = leaseAfter(event, settings.spec.instance, known?.spec, sure);
      const write: Write | undefined =
        known === undefined
          ? after && { do: 'create', kind: lease, id, spec: after }
          : after === undefined
            ? { do: 'remove', kind: lease, before: known }
            : isDeepStrictEqual(after, known.spec)
              ? undefined
              : { do: 'spec', kind: lease, before: known, spec: after };
      // Whoever switches DHCP off in this moment takes the leases away with it.
      return write === undefined ? [] : [write, { do: 'unchanged', kind: dhcp, before: settings }];
    }),
  );
  return each.flat();
}

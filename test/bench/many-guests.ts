/**
 * Thousands of guests, written into a store as documents: copies of a guest that the product made, on nodes
 * that are not there, as a node of a large cluster sees the guests of others. Runs in the node
 * (`many-guests.ts COUNT`) and opens what its daemon would: SQLite, which no daemon may have open, or ZooKeeper.
 * @module
 */

import { openStore } from '../../core/cluster/open-store.ts';
import { configSchema } from '../../core/config/schema.ts';
import { createLinuxHost } from '../../core/host/linux.ts';
import type { Doc } from '../../core/plugin/api.ts';
import { Documents, type Write } from '../../core/store/documents.ts';
import type { VmSpec } from '../../plugins/libvirt/schema.ts';
import { type VmStatus, vm } from '../../plugins/libvirt/vm-kind.ts';

const guestsPerNode = 50;
/** No lab has so many nodes: nobody may try to start them. */
const firstNode = 101;
/** A guest is a spec, a status, the claim of its name and of its MAC address: far from the most that a commit may hold. */
const guestsPerCommit = 50;

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

/** The n-th copy. Pure. */
function copyOf(model: Doc<VmSpec, VmStatus>, n: number): Write {
  const node = `hv${firstNode + Math.floor(n / guestsPerNode)}`;
  const name = `many${String(n).padStart(5, '0')}`;
  const spec: VmSpec = {
    ...model.spec,
    name,
    node,
    run: 'running',
    nics: model.spec.nics
      .slice(0, 1)
      .map((nic) => ({ ...nic, mac: `52:54:01:${hex(n >> 16, 2)}:${hex((n >> 8) & 255, 2)}:${hex(n & 255, 2)}` })),
    tags: [{ name: `rack${n % 7}`, protected: false }],
  };
  const status: VmStatus = {
    ...model.status,
    state: 'running',
    reason: 'booted',
    node,
    sinceMs: 1_700_000_000_000,
    restartNeeded: [],
    notes: [],
    conditions: [],
  };
  return { do: 'create', kind: vm, id: `00000000-0000-4000-8000-${hex(n, 12)}`, spec, status };
}

/** Adds `count` guests. @throws Error when there is no guest to copy */
async function addGuests(count: number): Promise<void> {
  const host = createLinuxHost({ level: 'error', destination: 'stderr', pretty: true });
  const store = await openStore(host, configSchema.parse({}), 'bench');
  try {
    const [model] = await new Documents(store).list(vm);
    if (model === undefined) throw new Error('there is no guest to copy');
    for (let from = 0; from < count; from += guestsPerCommit) {
      const writes = Array.from({ length: Math.min(guestsPerCommit, count - from) }, (_, at) =>
        copyOf(model, from + at),
      );
      const { outcome } = await store.commit(new Documents(store).commitOf(writes).ops);
      if (outcome !== 'ok') throw new Error(`the guests from ${from} on could not be written: ${outcome}`);
    }
  } finally {
    await store.close();
  }
}

await addGuests(Number(process.argv[2]));

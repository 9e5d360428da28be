import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createVirtualHost } from '../../core/host/virtual-host.ts';
import type { Runtime, Write } from '../../core/plugin/api.ts';
import { Documents } from '../../core/store/documents.ts';
import { MemoryCluster } from '../../core/store/memory.ts';
import { lease, leaseId } from './lease/lease-kind.ts';
import type { Network } from './network.ts';
import { reservation, reservationId } from './reservation/reservation-kind.ts';
import { dhcp } from './settings/dhcp-kind.ts';
import { usualSettings } from './settings/settings-input.ts';
import { tidyController } from './tidy-controller.ts';

const instance = '6be0d3e7-ea8f-4c07-a59b-22e33e7ed010';
const gone = '6be0d3e7-ea8f-4c07-a59b-22e33e7ed011';
const mac = '52:54:00:70:76:b1';
const office: Network = { name: 'office', vni: 10_000, mtu: 1450, ipv4: null, ipv6: null, domain: null };

const leaseOf = (of: string, address: string): Write => {
  const spec = { instance: of, address, expiresMs: 1, hostname: null, client: { family: 'ipv4', mac, clientId: null } };
  return { do: 'create', kind: lease, id: leaseId('10000', address), spec };
};

it('what belongs to settings that are no more is cleared away, bit by bit, and nothing else', async () => {
  const host = createVirtualHost();
  const documents = new Documents(new MemoryCluster({ clock: host.clock }).open('a'));
  const write = async (writes: readonly Write[]): Promise<void> => {
    const { ops } = documents.commitOf(writes);
    assert.equal((await documents.store.commit(ops)).outcome, 'ok');
  };
  const kept = { network: 'office', instance: gone, mac, address: '10.20.0.10', hostname: 'web1' };
  await write([
    { do: 'create', kind: dhcp, id: '10000', spec: usualSettings(office, instance) },
    { do: 'create', kind: reservation, id: reservationId('10000', mac), spec: kept },
    leaseOf(instance, '10.20.0.5'),
    ...Array.from({ length: 120 }, (_, index) => leaseOf(gone, `10.20.1.${index}`)),
  ]);
  const controller = tidyController({ host, documents, write } as unknown as Runtime);
  let rounds = 0;
  for (;;) {
    const plan = controller.plan(undefined, await controller.observe('cluster', undefined), { node: 'a', nowMs: 0 });
    if (plan.steps.length === 0) break;
    rounds += 1;
    assert.ok(rounds < 10);
    for (const step of plan.steps) await controller.apply(step, 'cluster', new AbortController().signal);
  }
  assert.equal(rounds, 3);
  assert.deepEqual(await documents.ids(lease), [leaseId('10000', '10.20.0.5')]);
  assert.deepEqual(await documents.ids(reservation), []);
  assert.deepEqual(await documents.store.list('/claim/dhcp-reservation.address'), []);
});

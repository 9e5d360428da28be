import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createVirtualHost } from '../../../core/host/virtual-host.ts';
import type { Runtime, Write } from '../../../core/plugin/api.ts';
import { Documents } from '../../../core/store/documents.ts';
import { MemoryCluster } from '../../../core/store/memory.ts';
import type { Network } from '../network.ts';
import { dhcp } from '../settings/dhcp-kind.ts';
import { usualSettings } from '../settings/settings-input.ts';
import { type LeaseSpec, lease, leaseId } from './lease-kind.ts';
import { endLeases } from './leases.ts';

const instance = '6be0d3e7-ea8f-4c07-a59b-22e33e7ed010';
const [own, other] = ['52:54:00:70:76:b1', '52:54:00:70:76:b2'];
const network = (name: string): Network => ({ name, vni: 1, mtu: 1450, ipv4: null, ipv6: null, domain: null });

it('the leases of a guest that is no more end, in its networks and no other', async () => {
  const documents = new Documents(new MemoryCluster({ clock: createVirtualHost().clock }).open('a'));
  const how: unknown[] = [];
  const write = async (writes: readonly Write[], options?: unknown): Promise<void> => {
    how.push(options);
    const { ops } = documents.commitOf(writes);
    assert.equal((await documents.store.commit(ops)).outcome, 'ok');
  };
  const held = (vni: string, address: string, client: LeaseSpec['client']): Write => {
    const spec = { instance, address, expiresMs: 1, hostname: null, client };
    return { do: 'create', kind: lease, id: leaseId(vni, address), spec };
  };
  const v4 = (mac: string) => ({ family: 'ipv4', mac, clientId: null }) as const;
  const v6 = (mac: string | null) => ({ family: 'ipv6', duid: '00:01', iaid: '1', mac }) as const;
  await write([
    { do: 'create', kind: dhcp, id: '10', spec: usualSettings(network('office'), instance) },
    { do: 'create', kind: dhcp, id: '20', spec: usualSettings(network('lab'), instance) },
    held('10', '10.0.0.5', v4(own)),
    held('10', '10.0.0.6', v4(other)),
    held('10', 'fd00::5', v6(own)),
    held('10', 'fd00::6', v6(null)),
    held('20', '10.0.1.5', v4(own)),
  ]);
  const runtime = { documents, write } as unknown as Runtime;
  await endLeases(runtime, [
    { network: 'office', mac: own },
    { network: 'none', mac: other },
  ]);
  assert.deepEqual((await documents.ids(lease)).toSorted(), ['10.10.0.0.6', '10.fd00::6', '20.10.0.1.5']);
  assert.deepEqual(how.at(-1), { asPrimary: true }, 'a primary that is none any more ends nothing');
  await endLeases(runtime, []);
  await endLeases(runtime, [{ network: 'office', mac: own }]);
  assert.equal(how.length, 2, 'nothing is written when there is nothing to end');
});

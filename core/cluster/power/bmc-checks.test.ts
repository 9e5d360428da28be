import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fault } from '../../fault/fault-kind.ts';
import { createVirtualHost } from '../../host/virtual-host.ts';
import { aliveKey, type NodeSpec, node as nodeKind } from '../../model/node-kind.ts';
import { bmcError, type NodePower, type Power } from '../../plugin/power.ts';
import { Documents, type Write } from '../../store/documents.ts';
import { createMemoryStore } from '../../store/memory.ts';
import { BmcChecks } from './bmc-checks.ts';

const spec = (number: number): NodeSpec => ({
  role: 'hypervisor',
  domainState: 'ready',
  bmc: { driver: 'ipmi', address: `192.0.2.${number}`, user: 'pvc', cipherSuite: 17, privilege: 'OPERATOR' },
});
const because = (node: string) => ({ node, address: '192.0.2.9', user: 'pvc', reason: 'so' });
const minuteMs = 60_000;

async function setUp(nodes: readonly string[]) {
  const host = createVirtualHost();
  const documents = new Documents(createMemoryStore(host.clock));
  const write = async (writes: readonly Write[]): Promise<void> => {
    const { ops, topics } = documents.commitOf(writes);
    assert.equal((await documents.store.commit(ops, topics)).outcome, 'ok');
  };
  await write(nodes.map((id, index) => ({ do: 'create', kind: nodeKind, id, spec: spec(index) })));
  const says = new Map<string, Power | Error>();
  const asked: string[] = [];
  let atOnce = 0;
  let most = 0;
  const power = {
    async status(node: string): Promise<Power> {
      asked.push(node);
      atOnce += 1;
      most = Math.max(most, atOnce);
      await host.clock.sleep(500);
      atOnce -= 1;
      const said = says.get(node) ?? 'on';
      if (said instanceof Error) throw said;
      return said;
    },
  } as unknown as NodePower;
  const life = () => {
    const checks = new BmcChecks({ host, documents, power, write });
    const ending = new AbortController();
    const done = checks.run(ending.signal);
    return {
      checks,
      async end() {
        ending.abort();
        await done;
      },
    };
  };
  const open = async (): Promise<string[]> =>
    (await documents.list(fault)).filter(({ status }) => status?.clearedMs === undefined).map(({ id }) => id);
  return { host, documents, write, says, asked, life, open, most: () => most };
}

describe('the checks of BMCs', () => {
  it('read each at the beginning, a few at once, and again within the hour', async () => {
    const names = Array.from({ length: 12 }, (_, index) => `hv${index + 1}`);
    const { host, asked, life, open, most } = await setUp(names);
    const { end } = life();
    await host.clock.advance(10_000);
    assert.deepEqual(asked.toSorted(), names.toSorted());
    assert.equal(most(), 4);
    await host.clock.advance(50 * minuteMs);
    assert.equal(asked.length, 12, 'not more often');
    await host.clock.advance(15 * minuteMs);
    assert.equal(asked.length, 24);
    assert.deepEqual(await open(), []);
    await end();
  });

  it('raise a fault on the node with what was seen and what to do, and clear it a minute after', async () => {
    const { host, documents, says, life, open } = await setUp(['hv1', 'hv2']);
    says.set('hv2', bmcError('BMC_UNREACHABLE', because('hv2')));
    const { end } = life();
    await host.clock.advance(5_000);
    assert.deepEqual(await open(), ['bmc.BMC_UNREACHABLE:hv2']);
    const { status } = await documents.need(fault, 'bmc.BMC_UNREACHABLE:hv2');
    assert.equal(status?.object, 'node hv2');
    assert.match(status?.message ?? '', /BMC of hv2 at 192\.0\.2\.9 does not answer: so/);
    assert.match(status?.hint ?? '', /Is it connected/);
    says.delete('hv2');
    await host.clock.advance(2 * minuteMs);
    assert.deepEqual(await open(), []);
    await end();
  });

  it('do not try a wrong password again before it is described anew: the account would be locked', async () => {
    const { host, documents, write, says, asked, life, open } = await setUp(['hv1']);
    says.set('hv1', bmcError('BMC_DENIED', because('hv1')));
    const { checks, end } = life();
    await host.clock.advance(30 * minuteMs);
    assert.deepEqual([asked.length, await open()], [1, ['bmc.BMC_DENIED:hv1']]);
    says.delete('hv1');
    const before = await documents.need(nodeKind, 'hv1');
    await write([{ do: 'spec', kind: nodeKind, before, spec: before.spec }]);
    checks.changed();
    await host.clock.advance(5_000);
    assert.deepEqual([asked.length, await open()], [2, []]);
    await end();
  });

  it('raise a fault about a BMC that reads off while its node runs, but not about a node that goes off', async () => {
    const { host, documents, says, life, open } = await setUp(['hv1', 'hv2']);
    says.set('hv1', 'off');
    says.set('hv2', 'off');
    for (const node of ['hv1', 'hv2'])
      await documents.store.commit([{ op: 'create', key: aliveKey(node), value: '{}' }], []);
    const { end } = life();
    host.clock.after(5_000, () => {
      void documents.store
        .read(aliveKey('hv2'))
        .then(async (entry) =>
          documents.store.commit([{ op: 'delete', key: aliveKey('hv2'), version: entry?.version ?? 0 }], []),
        );
    });
    await host.clock.advance(minuteMs);
    assert.deepEqual(await open(), ['bmc.BMC_CONTRADICTS:hv1']);
    await end();
  });

  it('keep what an earlier primary found until this one has read all, and clear what is gone', async () => {
    const { host, documents, write, says, life, open } = await setUp(['hv1', 'hv2']);
    says.set('hv1', bmcError('BMC_UNREACHABLE', because('hv1')));
    says.set('hv2', bmcError('BMC_DENIED', because('hv2')));
    const first = life();
    await host.clock.advance(5_000);
    await first.end();
    const before = await documents.need(nodeKind, 'hv1');
    await write([{ do: 'spec', kind: nodeKind, before, spec: { role: 'hypervisor', domainState: 'ready' } }]);
    const second = life();
    await host.clock.advance(200);
    assert.deepEqual((await open()).toSorted(), ['bmc.BMC_DENIED:hv2', 'bmc.BMC_UNREACHABLE:hv1']);
    await host.clock.advance(5_000);
    assert.deepEqual(await open(), ['bmc.BMC_DENIED:hv2']);
    await second.end();
  });
});

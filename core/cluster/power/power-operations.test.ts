import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PvcError } from '../../error/error.ts';
import { createVirtualHost } from '../../host/virtual-host.ts';
import { bmcSecret } from '../../model/bmc-kind.ts';
import { aliveKey, type NodeSpec, type NodeStatus, node as nodeKind } from '../../model/node-kind.ts';
import { audit } from '../../operation/audit.ts';
import { Executor } from '../../operation/execute.ts';
import type { Actor, Mutation, Query } from '../../operation/operation.ts';
import type { NodePower, PowerDriver } from '../../plugin/power.ts';
import { Documents, type Write } from '../../store/documents.ts';
import { createMemoryStore } from '../../store/memory.ts';
import { task } from '../../task/task-kind.ts';
import { bmcOperations } from './bmc-operations.ts';
import { powerOperations } from './power-operations.ts';

const actor: Actor = { name: 'root', role: 'admin', via: 'socket' };
const { signal } = new AbortController();
const password = 'told to nobody';
const described = { node: 'hv2', address: '192.0.2.12', user: 'pvc', password: `${password}\n` };

const statusOf = (guests: number): NodeStatus => ({
  ...{ daemon: 'run', coordinator: 'secondary', version: '1', startedMs: 0, updatedMs: 0, bootId: 'b', health: 100 },
  machine: { hostname: 'x', cpus: 1, cpuModel: '', memoryMiB: 1, kernel: '', os: '', arch: '' },
  load: { memoryAvailableMiB: 1, load1: 0 },
  facts: { libvirt: { guests } },
  services: [],
});

/** hv1 is primary; hv1 to hv3 are coordinators, hv4 is not. */
async function setUp({ down = [], guests = {} }: { down?: readonly string[]; guests?: Record<string, number> } = {}) {
  const host = createVirtualHost();
  const documents = new Documents(createMemoryStore(host.clock));
  const drivers = [
    { name: 'ipmi', takes: ['cipherSuite', 'privilege'] },
    { name: 'redfish', takes: ['system', 'pin'] },
  ] as unknown as PowerDriver[];
  const power = { status: async () => 'off' } as unknown as NodePower;
  const operations = [...bmcOperations(() => drivers), ...powerOperations(() => power)];
  const executor = new Executor({ host, documents, localNode: 'hv1', admit: async () => undefined });
  const spec = (name: string): NodeSpec => ({
    role: name === 'hv4' ? 'hypervisor' : 'coordinator',
    domainState: 'ready',
  });
  const names = ['hv1', 'hv2', 'hv3', 'hv4'];
  const writes = names.map(
    (id): Write => ({ do: 'create', kind: nodeKind, id, spec: spec(id), status: statusOf(guests[id] ?? 0) }),
  );
  const { ops, topics } = documents.commitOf(writes);
  await documents.store.commit(
    [
      ...ops,
      { op: 'create', key: '/primary/holder', value: 'hv1' },
      ...names
        .filter((name) => !down.includes(name))
        .map((name) => ({ op: 'create', key: aliveKey(name), value: '{}' }) as const),
    ],
    topics,
  );
  const named = (name: string) => operations.find((one) => one.name === name) as unknown;
  return {
    documents,
    executor,
    plan: (name: string, input: unknown) => executor.plan(named(name) as Mutation, input, actor),
    mutate: (name: string, input: unknown) => executor.mutate(named(name) as Mutation, input, actor),
    query: (name: string, input: unknown) => executor.query(named(name) as Query, input, actor, signal),
  };
}

const refused = (code: string, details?: RegExp) => (error: unknown) => {
  assert.ok(error instanceof PvcError, String(error));
  assert.equal(error.code, code);
  if (details !== undefined) assert.match(error.details.join('\n'), details);
  return true;
};

describe('the BMC of a node', () => {
  it('is described, shown without its password, and forgotten', async () => {
    const { mutate, query, documents } = await setUp();
    await mutate('node.bmc-set', described);
    assert.deepEqual(await query('node.bmc-show', { node: 'hv2' }), {
      ...{ node: 'hv2', driver: 'ipmi', address: '192.0.2.12', user: 'pvc' },
      ...{ cipherSuite: 17, privilege: 'OPERATOR' },
    });
    assert.deepEqual((await documents.need(bmcSecret, 'hv2')).spec, { password });
    await mutate('node.bmc-remove', { node: 'hv2' });
    assert.equal(await documents.get(bmcSecret, 'hv2'), undefined);
    await assert.rejects(query('node.bmc-show', { node: 'hv2' }), refused('BMC_NONE'));
  });

  it('shows its password neither in plans nor in answers nor in the audit record', async () => {
    const { mutate, plan, documents } = await setUp();
    const shown = [
      await plan('node.bmc-set', described),
      await mutate('node.bmc-set', described),
      await plan('node.bmc-set', { ...described, password: 'a new one' }),
      await mutate('node.bmc-remove', { node: 'hv2' }),
      await documents.list(audit),
      await documents.list(nodeKind),
    ];
    assert.doesNotMatch(JSON.stringify(shown), /told to nobody|a new one/);
    assert.match(JSON.stringify(shown), /\*\*\*/);
  });

  it('belongs to one node alone: a fence would cut the power of the wrong machine', async () => {
    const { mutate } = await setUp();
    await mutate('node.bmc-set', described);
    await assert.rejects(mutate('node.bmc-set', { ...described, node: 'hv3' }), refused('OBJECT_EXISTS'));
    await mutate('node.bmc-set', described);
  });

  for (const [field, value] of Object.entries({
    address: '-H evil',
    user: '-x',
    password: 'two\nlines',
    cipherSuite: 0,
    privilege: 'root',
    driver: 'pigeon',
    node: 'hv9',
  }))
    it(`is not described with the ${field} ${JSON.stringify(value)}, and nothing is told of the password`, async () => {
      const { mutate, documents } = await setUp();
      await assert.rejects(mutate('node.bmc-set', { ...described, [field]: value }), (error) => {
        assert.ok(error instanceof PvcError);
        assert.doesNotMatch(JSON.stringify([error.message, error.details, error.hint]), /told to nobody|two/);
        return true;
      });
      assert.deepEqual(await documents.list(bmcSecret), []);
    });
});

describe('the BMC of a node that speaks Redfish', () => {
  const pin = `sha256//${'p'.repeat(43)}=`;
  const redfish = { ...described, driver: 'redfish', pin };

  it('is described with its pin and its system, and shown without what only IPMI knows', async () => {
    const { mutate, query } = await setUp();
    await mutate('node.bmc-set', { ...redfish, system: 'System.Embedded.1' });
    assert.deepEqual(await query('node.bmc-show', { node: 'hv2' }), {
      ...{ node: 'hv2', driver: 'redfish', address: '192.0.2.12', user: 'pvc' },
      ...{ system: 'System.Embedded.1', pin },
    });
  });

  it('takes no settings of IPMI, and IPMI none of Redfish', async () => {
    const { mutate } = await setUp();
    await assert.rejects(mutate('node.bmc-set', { ...redfish, cipherSuite: 3 }), refused('BMC_SETTING'));
    await assert.rejects(mutate('node.bmc-set', { ...described, pin }), (error) => {
      assert.ok(error instanceof PvcError && error.code === 'BMC_SETTING', String(error));
      assert.match(error.message, /ipmi does not know --pin/);
      return true;
    });
  });

  it('is shared by nodes that are different systems of it, and by no others', async () => {
    const { mutate } = await setUp();
    await mutate('node.bmc-set', { ...redfish, system: '1' });
    await mutate('node.bmc-set', { ...redfish, node: 'hv3', system: '2' });
    await assert.rejects(mutate('node.bmc-set', { ...redfish, node: 'hv4', system: '2' }), refused('OBJECT_EXISTS'));
    await assert.rejects(mutate('node.bmc-set', { ...redfish, node: 'hv4' }), refused('BMC_SHARED'));
  });

  for (const [field, value] of Object.entries({
    system: '../1',
    pin: 'sha256//short',
  }))
    it(`is not described with the ${field} ${JSON.stringify(value)}`, async () => {
      const { mutate, documents } = await setUp();
      await assert.rejects(mutate('node.bmc-set', { ...redfish, [field]: value }), PvcError);
      assert.deepEqual(await documents.list(bmcSecret), []);
    });
});

describe('switching the power of a node', () => {
  const ready = async (options: Parameters<typeof setUp>[0] = {}) => {
    const all = await setUp(options);
    for (const [index, node] of ['hv1', 'hv2', 'hv4'].entries())
      await all.mutate('node.bmc-set', { ...described, node, address: `192.0.2.${index}` });
    return all;
  };

  it('is a task of the primary', async () => {
    const { mutate, documents } = await ready();
    await mutate('node.power', { node: 'hv2', action: 'cycle' });
    const [started] = await documents.list(task);
    assert.equal(started?.spec.node, undefined);
    assert.deepEqual(started?.spec.input, { action: 'cycle' });
    assert.equal(started?.spec.target.id, 'hv2');
  });

  it('is refused without a BMC, and for the primary, forced or not', async () => {
    const { mutate } = await ready();
    await assert.rejects(mutate('node.power', { node: 'hv3', action: 'off' }), refused('BMC_NONE'));
    await assert.rejects(
      mutate('node.power', { node: 'hv1', action: 'off', force: true }),
      refused('POWER_OF_PRIMARY'),
    );
  });

  it('is refused where guests run, unless forced; switching on is not', async () => {
    const { mutate } = await ready({ guests: { hv4: 3 } });
    for (const action of ['off', 'cycle', 'reset'])
      await assert.rejects(
        mutate('node.power', { node: 'hv4', action }),
        refused('POWER_REFUSED', /3 guests run on hv4/),
      );
    const { warnings } = await mutate('node.power', { node: 'hv4', action: 'off', force: true });
    assert.match(warnings.join(), /Forced: 3 guests run on hv4/);
    const other = await ready({ guests: { hv4: 3 } });
    await other.mutate('node.power', { node: 'hv4', action: 'on' });
  });

  it('is refused where the coordinators that are left could write nothing', async () => {
    const { mutate } = await ready({ down: ['hv3'] });
    await assert.rejects(
      mutate('node.power', { node: 'hv2', action: 'off' }),
      refused('POWER_REFUSED', /of 3 coordinators only 1 would be left/),
    );
    await mutate('node.power', { node: 'hv4', action: 'off' });
  });

  it('is done to a node that does not answer, with a warning about the guests that it ran', async () => {
    const { mutate } = await ready({ down: ['hv4'], guests: { hv4: 2 } });
    const { warnings } = await mutate('node.power', { node: 'hv4', action: 'off' });
    assert.match(warnings.join(), /ran 2 guests when it last told/);
  });

  it('is asked for by name and answered at once', async () => {
    const { query } = await ready();
    assert.deepEqual(await query('node.power-status', { node: 'hv2' }), { node: 'hv2', power: 'off' });
  });
});

import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { createVirtualHost } from '../../../core/host/virtual-host.ts';
import { clusterId, PvcError, type Runtime, type Write } from '../../../core/plugin/api.ts';
import { Documents } from '../../../core/store/documents.ts';
import { MemoryCluster } from '../../../core/store/memory.ts';
import type { Network } from '../network.ts';
import { dhcp } from '../settings/dhcp-kind.ts';
import { usualSettings } from '../settings/settings-input.ts';
import { leaseController, planLeases } from './lease-controller.ts';
import { lease, leaseId } from './lease-kind.ts';
import { LeaseSpool } from './lease-spool.ts';

const instance = '6be0d3e7-ea8f-4c07-a59b-22e33e7ed010';
const office: Network = { name: 'office', vni: 10_000, mtu: 1450, ipv4: null, ipv6: null, domain: null };
const changed = () => new PvcError('OBJECT_CHANGED', 'changed', { hint: '', http: 409, exit: 'conflict' });
const line = (action: string, expires: number): string => `${action}\n52:54:00:aa:bb:cc\n${expires}\n\n\n\nweb1\n`;

describe('what dnsmasq has told', () => {
  let host: ReturnType<typeof createVirtualHost>;
  let documents: Documents;
  let spool: LeaseSpool;
  let runtime: Runtime;
  /** Of each commit, how many documents it wrote. */
  let commits: number[];
  /** Thrown by the next commits. */
  let failures: Error[];

  const write = async (writes: readonly Write[]): Promise<void> => {
    const failure = failures.shift();
    if (failure !== undefined) throw failure;
    const { ops } = documents.commitOf(writes);
    assert.equal((await documents.store.commit(ops)).outcome, 'ok');
    commits.push(writes.filter(({ do: what }) => what !== 'unchanged').length);
  };
  const tell = (address: string, text: string, vni = '10000') =>
    host.files.writeAtomic(`${spool.reported}/${vni}.${address}`, text, 0o600);
  const expiry = async (address: string): Promise<number | undefined> =>
    (await documents.get(lease, leaseId('10000', address)))?.spec.expiresMs;
  const left = (): string[] => Object.keys(host.files.snapshot());
  const primary = async (node: string): Promise<void> => {
    await documents.store.commit([{ op: 'create', key: '/primary/holder', value: node }]);
  };

  beforeEach(async () => {
    host = createVirtualHost();
    documents = new Documents(new MemoryCluster({ clock: host.clock }).open('a'));
    [commits, failures] = [[], []];
    runtime = { host, documents, write, node: 'a', directories: { run: '/run/pvc' } } as unknown as Runtime;
    spool = new LeaseSpool(runtime);
    await spool.open();
    await write([{ do: 'create', kind: dhcp, id: '10000', spec: usualSettings(office, instance) }]);
    commits = [];
  });

  it('is noted in few commits, and taken away', async () => {
    await primary('a');
    for (let index = 0; index < 120; index += 1) await tell(`10.20.0.${index}`, line('add', 10));
    assert.equal(await spool.waiting(), 120);
    await spool.note();
    assert.deepEqual(commits, [50, 50, 20]);
    assert.equal((await documents.ids(lease)).length, 120);
    assert.deepEqual((await documents.get(lease, leaseId('10000', '10.20.0.7')))?.spec, {
      instance,
      address: '10.20.0.7',
      expiresMs: 10_000,
      hostname: 'web1',
      client: { family: 'ipv4', mac: '52:54:00:aa:bb:cc', clientId: null },
    });
    assert.deepEqual([left(), await spool.waiting()], [[], 0]);
  });

  it('is renewed, shortened and ended by the primary', async () => {
    await primary('a');
    for (const expires of [10, 20, 15]) {
      await tell('10.20.0.7', line(expires === 10 ? 'add' : 'old', expires));
      await spool.note();
      assert.equal(await expiry('10.20.0.7'), expires * 1_000);
    }
    await tell('10.20.0.7', line('old', 15));
    await spool.note();
    assert.equal(commits.length, 3, 'what is known is not written again');
    await tell('10.20.0.7', line('del', 15));
    await spool.note();
    assert.equal(await expiry('10.20.0.7'), undefined);
  });

  it('by a node that is primary no more, ends nothing', async () => {
    await primary('b');
    await tell('10.20.0.7', line('add', 10));
    await spool.note();
    await tell('10.20.0.7', line('del', 5));
    await spool.note();
    assert.equal(await expiry('10.20.0.7'), 10_000);
  });

  it('stays when it could not be noted, and what came since is the last word', async () => {
    await primary('a');
    await tell('10.20.0.7', line('add', 10));
    await tell('10.20.0.8', line('add', 10));
    failures = [new Error('the store is away')];
    await assert.rejects(spool.note(), /the store is away/);
    assert.equal(await spool.waiting(), 2);
    await tell('10.20.0.7', line('old', 30));
    assert.equal(await spool.waiting(), 2);
    // As the next life of the daemon finds it.
    await new LeaseSpool(runtime).note();
    assert.deepEqual([await expiry('10.20.0.7'), await expiry('10.20.0.8'), left()], [30_000, 10_000, []]);
  });

  it('is planned again when somebody else was faster', async () => {
    await primary('a');
    await tell('10.20.0.7', line('add', 10));
    failures = [changed(), changed()];
    await spool.note();
    assert.equal(await expiry('10.20.0.7'), 10_000);
  });

  it('of a network without DHCP, or that is no report, is dropped, and holds nothing up', async () => {
    await primary('a');
    await tell('10.30.0.7', line('add', 10), '10001');
    await tell('10.20.0.8', 'nonsense\n');
    await tell('x', line('add', 10));
    await host.files.writeAtomic(`${spool.reported}/.10000.4711`, 'add\n', 0o600);
    await tell('10.20.0.7', line('add', 10));
    await spool.note();
    assert.deepEqual(await documents.ids(lease), [leaseId('10000', '10.20.0.7')]);
    // What a script has not finished is not looked at.
    assert.deepEqual(left(), [`${spool.reported}/.10000.4711`]);
  });

  it('waits until somebody is primary', async () => {
    const controller = leaseController(runtime, spool);
    assert.deepEqual(planLeases(await controller.observe(clusterId, undefined)), { steps: [] });
    await tell('10.20.0.7', line('add', 10));
    assert.deepEqual(planLeases(await controller.observe(clusterId, undefined)), { steps: [], againInMs: 1_000 });
    await primary('a');
    const { steps } = planLeases(await controller.observe(clusterId, undefined));
    assert.deepEqual(
      steps.map((step) => step.do),
      ['note'],
    );
  });

  it('is looked at when it comes', async () => {
    const stop = new AbortController();
    const told = Promise.withResolvers<string>();
    const watching = leaseController(runtime, spool).watch?.((id) => told.resolve(id), stop.signal);
    await new Promise(setImmediate);
    await tell('10.20.0.7', line('add', 10));
    assert.equal(await told.promise, clusterId);
    stop.abort();
    await watching;
  });
});

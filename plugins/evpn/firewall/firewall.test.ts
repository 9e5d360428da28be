/** The firewall of a node against a kernel in memory, which takes a table as a whole and may refuse a rule. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createVirtualHost } from '../../../core/host/virtual-host.ts';
import { Documents, type Write } from '../../../core/store/documents.ts';
import { MemoryCluster } from '../../../core/store/memory.ts';
import { network } from '../network/network-kind.ts';
import { type AclSpec, aclId, networkAcl } from './acl-kind.ts';
import { Firewall } from './firewall.ts';
import { firewallHealth } from './firewall-health.ts';
import { planFirewall } from './firewall-plan.ts';
import { Nft } from './nft.ts';

/** A kernel that has never heard of what `unknown` matches. */
async function setUp(unknown = /never/) {
  const host = createVirtualHost();
  await host.files.makeDirectory('/run/pvc');
  const documents = new Documents(new MemoryCluster({ clock: host.clock }).open('daemon'));
  const write = async (...writes: Write[]) => {
    const { ops, topics } = documents.commitOf(writes);
    assert.equal((await documents.store.commit(ops, topics)).outcome, 'ok');
  };
  const kernel = { table: undefined as string | undefined, loads: 0, counters: new Map<string, number>() };
  const refused = { code: 1, stderr: 'Error: Could not process rule: No such file or directory\n' };
  host.processes.on(['nft', '--stateless', 'list'], ({ argv }) =>
    kernel.table === undefined || argv.includes('bridge') ? refused : { stdout: kernel.table },
  );
  host.processes.on(['nft', 'list', 'tables', 'inet'], () => ({
    stdout: `table inet filter\n${kernel.table === undefined ? '' : 'table inet pvc_networks\n'}`,
  }));
  host.processes.on(['nft', '--json', 'list', 'counters'], () =>
    kernel.table === undefined
      ? refused
      : {
          stdout: JSON.stringify({
            nftables: [...kernel.counters].map(([name, packets]) => ({ counter: { name, packets, bytes: packets } })),
          }),
        },
  );
  host.processes.on(['nft', '--file', '-'], ({ options: { input } }) => {
    const text = String(input);
    if (unknown.test(text)) return { code: 1, stderr: 'Error: Could not process rule: Operation not supported\n' };
    const table = text.split(/^delete table .*\n/m).at(-1);
    kernel.table = table === '' ? undefined : table;
    kernel.counters = new Map(
      [...text.matchAll(/counter (acl_\w+) \{\s+packets (\d+)/g)].map(([, name = '', packets]) => [
        name,
        Number(packets),
      ]),
    );
    kernel.loads += 1;
    return {};
  });
  host.processes.on(['unshare', '--net', 'nft'], ({ argv }) =>
    unknown.test(argv.at(-1) ?? '')
      ? { code: 1, stderr: 'Error: Could not process rule: Operation not supported\n' }
      : { stdout: '{"nftables": [{"add": {"rule": {"expr": [{"accept": null}]}}}]}' },
  );
  const parts = {
    metadata: async () => new Map<string, number>(),
    host,
    documents,
    node: 'hv1',
    directories: { state: '/s', run: '/run/pvc', log: '/l' },
  };
  const daemon = () => new Firewall(parts, new Nft(parts));
  /** What the controller does about what it sees; @returns what that was */
  const settle = async (firewall: Firewall, bridges = false): Promise<string[]> => {
    const { steps } = planFirewall(await firewall.look(bridges));
    for (const { wanted } of steps) await (wanted === undefined ? firewall.remove() : firewall.load(wanted));
    return steps.map(({ do: what }) => what);
  };
  const addNetwork = (vni: string, name: string) =>
    write({ do: 'create', kind: network, id: vni, spec: { name, type: 'managed', mtu: 1450, description: '' } });
  const addEntry = (vni: string, direction: AclSpec['direction'], order: number, rule: string) =>
    write({
      do: 'create',
      kind: networkAcl,
      id: aclId(vni, { direction, order }),
      spec: { network: `n${vni}`, direction, order, rule, description: '' },
    });
  return { host, kernel, documents, write, daemon, settle, addNetwork, addEntry };
}

describe('the firewall of a node', () => {
  it('is not there without networks, is loaded with the first, and goes with the last bridge', async () => {
    const { kernel, daemon, settle, addNetwork, documents, write } = await setUp();
    const firewall = daemon();
    assert.deepEqual(await settle(firewall), []);
    await addNetwork('100', 'n100');
    assert.deepEqual(await settle(firewall), ['load']);
    assert.match(kernel.table ?? '', /chain in_100/);
    assert.deepEqual(await settle(firewall), []);
    await write({ do: 'remove', kind: network, before: await documents.need(network, '100') });
    assert.deepEqual(await settle(firewall, true), ['load']);
    assert.doesNotMatch(kernel.table ?? '', /chain in_100/);
    assert.deepEqual(await settle(firewall), ['remove']);
    assert.equal(kernel.table, undefined);
    assert.deepEqual(await settle(firewall), []);
  });

  it('is left alone by the next daemon', async () => {
    const { kernel, daemon, settle, addNetwork } = await setUp();
    await addNetwork('100', 'n100');
    await settle(daemon());
    assert.deepEqual(await settle(daemon()), []);
    assert.equal(kernel.loads, 1);
  });

  it('is loaded again when somebody has changed it, or taken it away', async () => {
    const { kernel, daemon, settle, addNetwork } = await setUp();
    await addNetwork('100', 'n100');
    const firewall = daemon();
    await settle(firewall);
    const well = kernel.table;
    for (const changed of [undefined, '', `${well}# more`]) {
      kernel.table = changed;
      assert.deepEqual(await settle(firewall), ['load']);
      assert.equal(kernel.table, well);
    }
  });

  it('is loaded again by the next daemon when the last one died before it wrote that down', async () => {
    const { kernel, host, daemon, settle, addNetwork } = await setUp();
    await addNetwork('100', 'n100');
    await settle(daemon());
    await host.files.remove('/run/pvc/firewall.json');
    assert.deepEqual(await settle(daemon()), ['load']);
    assert.deepEqual(await settle(daemon()), []);
    assert.equal(kernel.loads, 2);
  });

  it('shuts networks where there is no table, and only there', async () => {
    const { kernel, daemon, settle, addNetwork } = await setUp();
    const firewall = daemon();
    await firewall.shut();
    assert.match(kernel.table ?? '', /chain entering/);
    await addNetwork('100', 'n100');
    assert.deepEqual(await settle(firewall), ['load']);
    await firewall.shut();
    assert.match(kernel.table ?? '', /chain in_100/);
  });

  it('counts on when something else changes, and anew for an entry that is made anew', async () => {
    const { kernel, daemon, settle, addNetwork, addEntry, documents, write } = await setUp();
    const firewall = daemon();
    await addNetwork('100', 'n100');
    await addEntry('100', 'in', 10, 'tcp dport 22 accept');
    await settle(firewall);
    const [name = ''] = kernel.counters.keys();
    kernel.counters.set(name, 7);
    await addEntry('100', 'out', 10, 'drop');
    await settle(firewall);
    assert.equal((await firewall.counts()).get(name)?.packets, 7);
    await write({ do: 'remove', kind: networkAcl, before: await documents.need(networkAcl, '100-in-10') });
    await addEntry('100', 'in', 10, 'tcp dport 23 accept');
    await settle(firewall);
    assert.deepEqual(
      [...(await firewall.counts()).values()].map(({ packets }) => packets),
      [0, 0],
    );
  });

  it('is without an entry that the kernel does not take, says so, and has all the others', async () => {
    const { kernel, daemon, settle, addNetwork, addEntry, documents, write } = await setUp(/skuid/);
    const firewall = daemon();
    const health = firewallHealth(firewall, 'hv1');
    const finding = async () => (await health.run(AbortSignal.any([])))?.message ?? 'none';
    await addNetwork('100', 'n100');
    await addNetwork('200', 'n200');
    await addEntry('100', 'in', 10, 'meta skuid 7 accept');
    await addEntry('100', 'in', 20, 'meta skuid 8 drop');
    await addEntry('200', 'in', 10, 'tcp dport 22 accept');
    assert.deepEqual(await settle(firewall), ['load']);
    assert.match(kernel.table ?? '', /tcp dport 22 counter name acl_200_in_10_\d+ accept/);
    assert.match(kernel.table ?? '', /\tcounter name acl_100_in_20_\d+ drop/);
    assert.match(
      await finding(),
      /hv1 is without 2 entries: network n100 in 10 `meta skuid 7 accept`: Could not process rule: Operation not supported;/,
    );
    assert.deepEqual(await settle(firewall), []);
    assert.deepEqual(await settle(daemon()), []);
    for (const id of ['100-in-10', '100-in-20'])
      await write({ do: 'remove', kind: networkAcl, before: await documents.need(networkAcl, id) });
    assert.deepEqual(await settle(firewall), ['load']);
    assert.equal(await finding(), 'none');
  });

  it('fails with the reason when the kernel takes no table, and changes nothing', async () => {
    const { kernel, daemon, settle, addNetwork } = await setUp(/chain node/);
    await addNetwork('100', 'n100');
    await assert.rejects(settle(daemon()), /Operation not supported/);
    await assert.rejects(daemon().shut(), /cannot shut the networks: .*Operation not supported/);
    assert.equal(kernel.table, undefined);
  });

  it('fails with advice where nft is not installed', async () => {
    const host = createVirtualHost();
    const nft = new Nft({ host, node: 'hv1' });
    await assert.rejects(nft.list(), { code: 'NFT_MISSING' });
  });

  it('lets connections go on for a minute after another node was the gateway', async () => {
    const { host, kernel, daemon, settle, addNetwork } = await setUp();
    await addNetwork('100', 'n100');
    const resumes = async (firewall: Firewall, term: number): Promise<boolean> => {
      await firewall.resume(term);
      await settle(firewall);
      return /ct state new tcp flags/.test(kernel.table ?? '');
    };
    const firewall = daemon();
    assert.equal(await resumes(firewall, 1), false);
    assert.equal(await resumes(daemon(), 2), false, 'the next daemon, without anybody in between');
    assert.equal(await resumes(firewall, 4), true);
    await host.clock.advance(59_000);
    assert.deepEqual(await settle(firewall), []);
    await host.clock.advance(2_000);
    assert.deepEqual(await settle(firewall), ['load']);
    assert.doesNotMatch(kernel.table ?? '', /ct state new tcp flags/);
  });

  it('goes on after it has failed once', async () => {
    const { host, daemon, settle, addNetwork } = await setUp();
    await addNetwork('100', 'n100');
    const firewall = daemon();
    let broken = true;
    host.processes.on((argv) => broken && argv[0] === 'nft' && argv[1] === '--file', {
      code: 1,
      stderr: 'Error: no\n',
    });
    await assert.rejects(settle(firewall), /^Error: no$/);
    broken = false;
    assert.deepEqual(await settle(firewall), ['load']);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createVirtualHost } from '../../../core/host/virtual-host.ts';
import { cluster, node } from '../../../core/plugin/api.ts';
import { Documents } from '../../../core/store/documents.ts';
import { createMemoryStore } from '../../../core/store/memory.ts';
import { MachineBook } from '../machine/machine-book.ts';
import { machine } from '../machine/machine-kind.ts';
import { BootAnswers } from './boot-answers.ts';
import { answerBoot } from './door.ts';

const macA = '52:54:00:00:00:0a';
const macB = '52:54:00:00:00:0b';
const uuid = '5c0e3f6e-2e1d-4f7a-9d39-0123456789ab';
const base = 'http://10.9.0.1:7380';

async function setUp() {
  const host = createVirtualHost();
  const documents = new Documents(createMemoryStore(host.clock));
  const asked: string[] = [];
  const write = async (writes: Parameters<Documents['commitOf']>[0]) => {
    const { ops, topics } = documents.commitOf(writes);
    assert.equal((await documents.store.commit(ops, topics)).outcome, 'ok');
  };
  const networks = { cluster: { cidr: '10.10.0.0/24' } };
  await write([
    {
      ...{ do: 'create', kind: cluster, id: 'cluster' },
      spec: { name: 'c', createdMs: 0, maintenance: false, networks },
    },
  ]);
  const runtime = {
    ...{ host, documents, write },
    perform: async (operation: string, input: unknown) => {
      asked.push(`${operation} ${JSON.stringify(input)}`);
      const result = { id: `token${asked.length}aaaaaaa`.slice(0, 12), token: `pvcjoin_${asked.length}` };
      return { result, warnings: [], actions: [], tasks: [], request: '' } as never;
    },
  };
  const answers = new BootAnswers(runtime, new MachineBook(runtime));
  const files = new Map([['vmlinuz', '/image/vmlinuz']]);
  const call = async (method: string, url: string, body = '') => {
    const { status, body: answer } = await answerBoot({ host, answers, files, base }, method, url, async () => body);
    return [status, typeof answer === 'string' ? answer : answer.sizeBytes] as const;
  };
  return {
    ...{ host, documents, asked, write, call },
    boot: async (mac: string, more = '') =>
      String((await call('GET', `/machine.ipxe?mac=${mac}&uuid=${uuid}${more}`))[1]),
    status: async (mac: string) => (await documents.need(machine, mac)).status,
    add: (mac: string, more: object = {}) =>
      write([
        {
          ...{ do: 'create', kind: machine, id: mac },
          spec: { uuid: null, name: 'hv4', address: '10.10.0.14', attempt: 1, ...more },
        },
      ]),
  };
}

const wordIn = (script: string): string => /pvc\.word=(\S+)/.exec(script)?.[1] ?? '';

describe('what machines that boot are told', () => {
  it('an unknown one: to wait, and it is discovered', async () => {
    const { boot, documents } = await setUp();
    const script = await boot(macA, '&manufacturer=ACME&memory=2048');
    assert.match(script, /machine accept 52:54:00:00:00:0a/);
    assert.doesNotMatch(script, /kernel/);
    const doc = await documents.need(machine, macA);
    assert.deepEqual(doc.spec, { uuid, name: null, address: null, attempt: 0 });
    assert.deepEqual(
      [doc.status?.state, doc.status?.hardware?.manufacturer, doc.status?.hardware?.memoryMiB],
      ['discovered', 'ACME', 2048],
    );
  });

  it('a second one with the same UUID: which is shown, and it does not boot', async () => {
    const { boot, add, status } = await setUp();
    await boot(macA);
    await boot(macB);
    assert.match((await status(macB))?.reason ?? '', /UUID .* of the machine 52:54:00:00:00:0a/);
    await add('52:54:00:00:00:0c');
    assert.doesNotMatch(await boot('52:54:00:00:00:0c'), /kernel/);
    assert.equal((await status('52:54:00:00:00:0c'))?.state, 'failed');
  });

  it('one with another UUID than was entered: it does not boot', async () => {
    const { boot, add, status } = await setUp();
    await add(macA, { uuid: uuid.replace('5c', '6c') });
    assert.doesNotMatch(await boot(macA), /kernel/);
    assert.match((await status(macA))?.reason ?? '', /6c0e3f6e-.* was entered/);
  });

  it('one that was accepted: to boot, with a word for this boot alone', async () => {
    const { boot, add, call, status, asked } = await setUp();
    await add(macA);
    const first = wordIn(await boot(macA));
    const second = wordIn(await boot(macA));
    assert.notEqual(first, second);
    assert.equal((await call('POST', `/machines/${macA}/${first}/join`))[0], 403);
    assert.deepEqual(asked, []);
    assert.deepEqual(await call('POST', `/machines/${macA}/${second}/join`), [
      200,
      'name=hv4\naddress=10.10.0.14/24\ntoken=pvcjoin_1\n',
    ]);
    assert.deepEqual(asked, ['node.token {"role":"hypervisor","node":"hv4","expires":"15m","again":true}']);
    // The answer may have been lost: the token that nobody has heard of counts no more.
    await call('POST', `/machines/${macA}/${second}/join`);
    assert.equal(asked[1], 'token.remove {"token":"token1aaaaaa"}');
    const log = (await status(macA))?.boots.at(-1)?.log.map(({ text }) => text) ?? [];
    assert.ok(
      log.some((text) => text.includes('wrong word')),
      log.join('\n'),
    );
    assert.ok(!JSON.stringify(await status(macA)).includes(second), 'the store has the hash of the word');
  });

  it('another’s word is refused', async () => {
    const { boot, add, call, asked } = await setUp();
    await add(macA);
    await boot(macA);
    const word = wordIn(await boot(macA));
    assert.equal((await call('POST', `/machines/${macB}/${word}/join`))[0], 403);
    assert.equal((await call('POST', `/machines/${macB}/${word}/log`, 'x'))[0], 403);
    assert.deepEqual(asked, []);
  });

  it('what the image says is noted', async () => {
    const { boot, add, call, status } = await setUp();
    await add(macA);
    const at = `/machines/${macA}/${wordIn(await boot(macA))}`;
    assert.equal((await call('POST', `${at}/log`, 'the image runs\n'))[0], 200);
    await call('POST', `${at}/report`, 'memory 2048\ndisk /dev/vda 1 GB\nnic eth0 x\nrubbish\n');
    await call('POST', `${at}/failed`, 'no way to the cluster');
    const found = await status(macA);
    assert.deepEqual([found?.state, found?.reason], ['failed', 'no way to the cluster']);
    assert.equal(found?.hardware?.memoryMiB, 2048);
    assert.deepEqual([found?.hardware?.disks, found?.hardware?.nics], [['/dev/vda 1 GB'], ['eth0 x']]);
    assert.equal((await call('POST', `${at}/join`))[0], 403, 'one that has failed begins anew');
  });

  it('one whose node runs: to wait for its end', async () => {
    const { boot, add, write, documents, status } = await setUp();
    await add(macA);
    await write([{ do: 'create', kind: node, id: 'hv4', spec: { role: 'hypervisor', domainState: 'ready' } }]);
    await documents.store.commit([{ op: 'create', key: '/alive/hv4', value: '1' }], []);
    assert.match(await boot(macA), /node hv4 runs/);
    assert.equal(await status(macA), undefined);
  });

  it('nothing else is behind the door', async () => {
    const { call, host } = await setUp();
    await host.files.makeDirectory('/image');
    await host.files.writeAtomic('/image/vmlinuz', 'kernel');
    await host.files.writeAtomic('/image/secret', 'secret');
    assert.deepEqual(await call('GET', '/files/vmlinuz'), [200, 6]);
    for (const [method, url, status] of [
      ['GET', '/files/secret', 404],
      ['GET', '/files/../secret', 404],
      ['GET', '/files/%2e%2e%2fsecret', 404],
      ['GET', '/api/v1/nodes', 404],
      ['GET', '/machine.ipxe', 400],
      ['GET', `/machines/${macA}/${'w'.repeat(32)}/join`, 405],
      ['POST', `/machines/${macA}/${'w'.repeat(32)}/join`, 403],
      ['POST', `/machines/01:00:5e:00:00:01/${'w'.repeat(32)}/join`, 404],
      ['POST', '/boot.ipxe', 404],
    ] as const)
      assert.equal((await call(method, url))[0], status, `${method} ${url}`);
  });
});

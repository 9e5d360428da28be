/** The doors with real sockets; which card has just spoken on which bridge is told by a pretended kernel. */
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import type { Write } from '../../../../core/store/documents.ts';
import { vm } from '../../vm-kind.ts';
import { ProvisionRig } from '../testing/provision-rig.ts';
import { Doors } from './doors.ts';
import { metadataKey } from './key.ts';

const office = { vni: '100', name: 'office', bridge: 'pvcn100' };
const other = { vni: '200', name: 'other', bridge: 'pvcn200' };
const tokenName = 'x-aws-ec2-metadata-token';

interface Heard {
  readonly status: number | undefined;
  readonly body: string;
}
const ask = (port: number, method: string, path: string, headers: Record<string, string> = {}): Promise<Heard> =>
  new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, method, path, headers, agent: false }, (answer) => {
      let body = '';
      answer.on('data', (piece) => (body += String(piece)));
      answer.on('end', () => resolve({ status: answer.statusCode, body }));
    })
      .on('error', reject)
      .end();
  });

/** A node with a guest on `office`; every card of the map speaks from the same address, each on its bridge. */
async function setUp() {
  const rig = await ProvisionRig.furnished();
  await rig.ask('profile.modify', { profile: 'web', seed: 'network' });
  await rig.mutate('provisioner.create', { name: 'web', profile: 'web' });
  const [guest = assert.fail('no guest')] = await rig.documents.list(vm);
  const mac = guest.spec.nics[0]?.mac ?? assert.fail('no card');
  const cards = new Map([[office.bridge, mac]]);
  let looks = 0;
  rig.host.processes.on(['ip', '-json', 'neigh', 'show'], ({ argv }) => {
    looks += 1;
    assert.equal(argv[argv.indexOf('to') + 1], '127.0.0.1');
    const lladdr = cards.get(argv.at(-1) ?? '');
    return { stdout: JSON.stringify(lladdr === undefined ? [] : [{ dst: '127.0.0.1', lladdr, state: ['DELAY'] }]) };
  });
  const faults = new Map<string, string>();
  const ending = new AbortController();
  const doors = (signal = ending.signal) =>
    new Doors({
      ...{ documents: rig.documents, host: rig.host, node: 'hv1', signal },
      faults: {
        raise: (id: string, { message }: { message: string }) => void faults.set(id, message),
        clear: (id: string) => void faults.delete(id),
      },
      write: async (writes: readonly Write[]) => {
        const { ops, topics } = rig.documents.commitOf(writes);
        assert.equal((await rig.documents.store.commit(ops, topics)).outcome, 'ok');
      },
    });
  return { rig, guest, mac, cards, faults, doors, looks: () => looks, [Symbol.dispose]: () => ending.abort() };
}
const needPort = (ports: ReadonlyMap<string, number>, vni: string): number =>
  ports.get(vni) ?? assert.fail(`no door of ${vni}`);

describe('the doors of the metadata service', () => {
  it('tell a guest what it is, by a token that any node takes', async () => {
    using world = await setUp();
    const [here, there] = [await world.doors().open([office]), await world.doors().open([office])];
    const port = needPort(here, '100');
    assert.equal((await ask(port, 'GET', '/latest/user-data')).status, 401);
    const { body: token } = await ask(port, 'PUT', '/latest/api/token', { [`${tokenName}-ttl-seconds`]: '60' });
    for (const one of [port, needPort(there, '100')])
      assert.deepEqual(await ask(one, 'GET', '/latest/user-data', { [tokenName]: token }), {
        ...{ status: 200, body: '#cloud-config\npackages: [nginx]\n' },
      });
    const { body: id } = await ask(port, 'GET', '/latest/meta-data/instance-id', { [tokenName]: token });
    assert.equal(id, world.guest.id);
    assert.match((await ask(port, 'GET', '/nocloud/meta-data?x=1')).body, /^local-hostname: "web"$/m);
    assert.equal((await world.rig.documents.list(metadataKey)).length, 1);
    assert.ok(world.looks() > 0);
  });

  it('tell one guest nothing of another that has the same address in another network', async () => {
    using world = await setUp();
    const ports = await world.doors().open([office, other]);
    const asked = () => ask(needPort(ports, '200'), 'GET', '/nocloud/meta-data');
    assert.equal((await asked()).status, 404, 'nobody is known there');
    world.cards.set(other.bridge, '52:54:00:99:99:99');
    assert.equal((await asked()).status, 404, 'no guest’s card');
    world.cards.set(other.bridge, world.mac);
    assert.equal((await asked()).status, 404, 'a card that is on another network');
    assert.equal((await ask(needPort(ports, '100'), 'GET', '/nocloud/meta-data')).status, 200);
  });

  it('say later what cannot be known now', async () => {
    using world = await setUp();
    const port = needPort(await world.doors().open([office]), '100');
    world.rig.host.processes.on(['ip', '-json', 'neigh', 'show'], () => ({ code: 1, stderr: 'not now' }));
    assert.equal((await ask(port, 'GET', '/nocloud/meta-data')).status, 503);
  });

  it('are shut when their network is no more, has another name, or the daemon ends', async () => {
    const ending = new AbortController();
    using world = await setUp();
    const doors = world.doors(ending.signal);
    const closed = (port: number) => assert.rejects(ask(port, 'GET', '/'), { code: 'ECONNREFUSED' });
    const first = await doors.open([office, other]);
    assert.deepEqual([...(await doors.open([office, other]))], [...first], 'nothing changes');
    const second = await doors.open([office]);
    assert.deepEqual([...second.keys()], ['100']);
    await closed(needPort(first, '200'));
    const third = await doors.open([{ ...office, name: 'office2' }]);
    assert.equal((await ask(needPort(third, '100'), 'GET', '/nocloud/meta-data')).status, 404);
    ending.abort(new Error('the daemon ends'));
    await assert.rejects(doors.open([office]), /the daemon ends/);
    await closed(needPort(third, '100'));
  });

  it('take another port where theirs is taken', async () => {
    using world = await setUp();
    const [wanted, taken] = [20_100, createServer()];
    await new Promise<void>((resolve, reject) => {
      // Somebody else may have it already: then it is taken all the same.
      taken.once('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve() : reject(error)));
      taken.listen(wanted, () => resolve());
    });
    try {
      const port = needPort(await world.doors().open([office]), '100');
      assert.notEqual(port, wanted);
      assert.equal((await ask(port, 'GET', '/nocloud/meta-data')).status, 200);
      assert.equal(world.faults.size, 0);
    } finally {
      taken.close();
    }
  });
});

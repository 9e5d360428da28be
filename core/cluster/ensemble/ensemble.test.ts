import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { stateOf } from '../../store/zookeeper/four-letters.ts';
import { keyOf, Layout, placeOf, sequenceOf } from '../../store/zookeeper/layout.ts';
import { namedServers } from './follow.ts';
import { memberLine, membersOf, serverArgv, serverFiles, superDigest } from './zoo-cfg.ts';

const server = (id: number, address = `10.0.0.1${id}`) => ({ id, node: `hv${id}`, address, clientPort: 2181 });
const plan = { id: 2, state: '/var/lib/pvc', log: '/var/log/pvc', servers: [server(1), server(2)], secret: 's3cret' };
const fileOf = (name: string): string => serverFiles(plan).find(({ path }) => path.endsWith(name))?.text ?? '';

describe('the files of a ZooKeeper server', () => {
  it('name its number, its peers and where its data is', () => {
    assert.equal(fileOf('/data/myid'), '2\n');
    assert.equal(
      fileOf('/members'),
      'server.1=10.0.0.11:2888:3888:participant;10.0.0.11:2181\nserver.2=10.0.0.12:2888:3888:participant;10.0.0.12:2181\n',
    );
    assert.match(fileOf('/zoo.cfg'), /^dataDir=\/var\/lib\/pvc\/zookeeper\/data$/m);
    assert.match(fileOf('/zoo.cfg'), /^reconfigEnabled=true$/m);
    assert.match(fileOf('/zoo.cfg'), /^admin\.enableServer=false$/m);
  });

  it('keep the secret out of the command line, and out of every file that others may read', () => {
    assert.ok(!serverArgv('/var/lib/pvc').join(' ').includes('s3cret'));
    for (const { text, mode, path } of serverFiles(plan)) {
      assert.ok(!text.includes('s3cret'), path);
      assert.equal(mode & 0o077, 0, path);
    }
    assert.equal(superDigest('s3cret').split(':')[0], 'super');
  });

  it('leave to ZooKeeper what it keeps itself', () => {
    assert.deepEqual(
      serverFiles(plan).flatMap(({ path, once }) => (once === true ? [path] : [])),
      ['/var/lib/pvc/zookeeper/zoo.cfg', '/var/lib/pvc/zookeeper/members'],
    );
  });

  it('bracket IPv6 addresses, and are understood again', () => {
    const six = server(3, 'fd00::3');
    assert.equal(memberLine(six), 'server.3=[fd00::3]:2888:3888:participant;[fd00::3]:2181');
    assert.deepEqual(membersOf(`${memberLine(server(1))}\n${memberLine(six)}\nversion=100000002\n`), [
      { id: 1, address: '10.0.0.11', clientPort: 2181 },
      { id: 3, address: 'fd00::3', clientPort: 2181 },
    ]);
    assert.deepEqual(membersOf('server.4=10.0.0.14:2888:3888:participant;2181'), [
      { id: 4, address: '10.0.0.14', clientPort: 2181 },
    ]);
    assert.deepEqual(membersOf('nonsense\nversion=1'), []);
  });
});

describe('the servers as a node knows them', () => {
  it('have the names of the nodes with their addresses, the known ones where a node is gone', () => {
    const { node: _, ...gone } = server(2);
    assert.deepEqual(
      namedServers(
        [{ id: 4, address: '10.0.0.14', clientPort: 2181 }, gone],
        [server(2)],
        new Map([['10.0.0.14', 'hv4']]),
      ),
      [server(2), server(4)],
    );
  });
});

describe('what a server says of itself', () => {
  const text = (mode: string): string =>
    `Zookeeper version: 3.8.0-x, built on 2022\nLatency min/avg/max: 0/1.5/20\nReceived: 10\nConnections: 3\nZxid: 0x100000002\nMode: ${mode}\nNode count: 42\n`;
  for (const [mode, role] of [
    ['leader', 'leader'],
    ['follower', 'follower'],
    ['standalone', 'leader'],
    ['observer', 'observer'],
  ] as const)
    it(`${mode} is ${role}`, () => {
      const found = stateOf(text(mode));
      assert.deepEqual(
        [found.role, found.version, found.latencyMs, found.connections, found.znodes, found.zxid],
        [role, '3.8.0-x', { average: 1.5, most: 20 }, 3, 42, '0x100000002'],
      );
    });

  it('without a quorum it is alone, with an empty answer down', () => {
    assert.equal(stateOf('This ZooKeeper instance is not currently serving requests\n').role, 'alone');
    assert.equal(stateOf('').role, 'down');
  });
});

describe('keys in ZooKeeper', () => {
  for (const [key, directory, name] of [
    ['/vm/1/spec', 'vm', '1~spec'],
    ['/claim/vm.name/vweb1', 'claim/vm.name', 'vweb1'],
    ['/at/hv1/vm/1', 'at/hv1', 'vm~1'],
    ['/a', '', '~a'],
    ['/claim/x', '', '~claim~x'],
  ] as const)
    it(`${key} lies in "${directory}" as ${name}, and comes back`, () => {
      assert.deepEqual(placeOf(key), { directory, name });
      assert.equal(keyOf(directory, name), key);
    });

  it('have marks that tell them', () => {
    const layout = new Layout('/pvc');
    const mark = layout.mark('/alive/hv1').slice(layout.marks.length + 1);
    assert.equal(layout.markedKey(`${mark}0000000012`), '/alive/hv1');
    assert.equal(sequenceOf('e0000000012'), 12);
    assert.equal(sequenceOf('e-2147483648'), -2147483648);
    assert.equal(sequenceOf('x'), undefined);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { addressOfSocket, addressVector, cephConf, keyring } from './conf.ts';

const spec = { fsid: '11111111-2222-4333-8444-555555555555', network: '10.0.1.0/24', first: 'hv1', createdMs: 0 };

describe('ceph.conf', () => {
  it('names the monitors in one order, whatever order Ceph tells them in', () => {
    const input = {
      spec,
      node: 'hv2',
      address: '10.0.1.12',
      osdMemoryMiB: 1024,
      settings: { 'mon data avail warn': 5 },
    };
    const monitors = [
      { name: 'hv2', address: '10.0.1.12' },
      { name: 'hv1', address: '10.0.1.11' },
    ];
    const text = cephConf({ ...input, monitors });
    assert.equal(text, cephConf({ ...input, monitors: monitors.toReversed() }));
    assert.equal(
      text,
      `# Written by pvc: changes are overwritten. Settings of Ceph itself: \`ceph config set\`.
[global]
fsid = 11111111-2222-4333-8444-555555555555
mon host = [v2:10.0.1.11:3300,v1:10.0.1.11:6789],[v2:10.0.1.12:3300,v1:10.0.1.12:6789]
public network = 10.0.1.0/24
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
mon lease = 1
mon election timeout = 1
paxos propose interval = 0.25
osd pool default read lease ratio = 0.3
mon data avail warn = 5

[mon.hv2]
public addr = 10.0.1.12

[osd]
crush location = root=default host=hv2
osd memory target = 1073741824

[client]
admin socket mode = 0600
objecter timeout = 2
objecter tick interval = 1
`,
    );
  });

  it('writes IPv6 addresses in brackets', () =>
    assert.equal(addressVector('fd00::11'), '[v2:[fd00::11]:3300,v1:[fd00::11]:6789]'));

  for (const [socket, address] of [
    ['10.10.1.11:3300', '10.10.1.11'],
    ['[fd00::11]:3300', 'fd00::11'],
    ['10.10.1.12:0/3344169753', '10.10.1.12'],
  ] as const)
    it(`reads the address of ${socket}`, () => assert.equal(addressOfSocket(socket), address));

  it('writes keyrings', () =>
    assert.equal(
      keyring([
        { entity: 'mon.', key: 'K==', caps: { mon: 'allow *' } },
        { entity: 'client.pvc', key: 'L==' },
      ]),
      '[mon.]\n\tkey = K==\n\tcaps mon = "allow *"\n[client.pvc]\n\tkey = L==\n',
    ));
});

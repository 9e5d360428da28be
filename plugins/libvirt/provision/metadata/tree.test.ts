import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { type SeedFacts, seedFiles } from '../seed.ts';
import { type Asking, answerOf, takesToken } from './tree.ts';

const [one, other] = ['52:54:00:00:00:01', '52:54:00:00:00:02'];
const facts: SeedFacts = {
  uuid: 'a2ac1b59-9a6d-4f2a-8f2c-000000000001',
  name: 'Web_1',
  sshKeys: ['ssh-ed25519 AAAAC3Nz admin@site', 'ssh-rsa AAAAB3Nz', 'ssh-rsa AAAAB3Nz two words'],
  macs: [one, other],
  fresh: [{ target: 'vdb', filesystem: 'ext4', mountpoint: '/srv' }],
  userdata: '#cloud-config\npackages: [nginx]\n',
};
const asking: Asking = { facts, mac: other, address: '10.20.0.5', noCloud: true };
const bare: Asking = {
  facts: { ...facts, sshKeys: [], fresh: [], userdata: undefined, macs: [one] },
  ...{ mac: one, address: 'fd20::5', noCloud: false },
};

describe('what a guest is told', () => {
  for (const [path, text] of [
    ['/', '2009-04-04\n2018-09-24\n2021-03-23\nlatest'],
    ['/latest', 'meta-data/\nuser-data\nvendor-data\ndynamic/'],
    ['/latest/', 'meta-data/\nuser-data\nvendor-data\ndynamic/'],
    ['/latest/meta-data/', 'instance-id\nhostname\nlocal-hostname\nmac\nlocal-ipv4\npublic-keys/\nnetwork/'],
    ['/latest/meta-data/instance-id', facts.uuid],
    ['/2009-04-04/meta-data/instance-id', facts.uuid],
    ['/latest/meta-data/local-hostname', 'web-1'],
    ['/latest/meta-data/hostname', 'web-1'],
    ['/latest/meta-data/mac', other],
    ['/latest/meta-data/local-ipv4', '10.20.0.5'],
    ['/latest/meta-data/public-keys/', '0=admin@site\n1=key1\n2=two'],
    ['/latest/meta-data/public-keys/0/', 'openssh-key'],
    ['/latest/meta-data/public-keys/0/openssh-key', 'ssh-ed25519 AAAAC3Nz admin@site\n'],
    ['/latest/meta-data/network/interfaces/macs/', `${one}/\n${other}/`],
    [`/latest/meta-data/network/interfaces/macs/${one}/device-number`, '0'],
    [`/latest/meta-data/network/interfaces/macs/${other}/`, 'mac\ndevice-number\nlocal-hostname\nlocal-ipv4s'],
    [`/latest/meta-data/network/interfaces/macs/${other}/local-ipv4s`, '10.20.0.5'],
    ['/latest/user-data', facts.userdata],
    ['/nocloud/user-data', facts.userdata],
    ['/nocloud/', 'vendor-data\nmeta-data\nuser-data\nnetwork-config'],
  ] as const)
    it(`at ${path}`, () => assert.equal(answerOf(asking, path), text));

  for (const path of [
    '/none',
    '/latest/none',
    '/latest/meta-data/none',
    '/latest/meta-data/instance-id/none',
    '/latest/meta-data/public-keys/3/openssh-key',
    '/latest/meta-data/constructor',
    '/latest/meta-data/__proto__',
    '/latest/meta-data//instance-id',
    '//latest',
    '/latest/../nocloud/meta-data',
    '/20-04-04/meta-data',
    '/nocloud/none',
    `/latest/meta-data/network/interfaces/macs/${one}/local-ipv4s`,
  ])
    it(`is nothing at ${path}`, () => assert.equal(answerOf(asking, path), undefined));

  it('is the same as on a disk for NoCloud', () => {
    for (const [name, text] of Object.entries(seedFiles(facts)))
      assert.equal(answerOf(asking, `/nocloud/${name}`), text, name);
    assert.equal(parse(answerOf(asking, '/nocloud/meta-data') ?? '')['local-hostname'], 'web-1');
    assert.equal(answerOf({ ...bare, noCloud: true }, '/nocloud/vendor-data'), '');
  });

  it('is nothing for NoCloud where the guest has a disk', () => {
    for (const name of ['', 'meta-data', 'user-data', 'vendor-data'])
      assert.equal(answerOf(bare, `/nocloud/${name}`), undefined, name);
  });

  it('is little of a guest that was made of no profile', () => {
    assert.equal(answerOf(bare, '/latest'), 'meta-data/\ndynamic/');
    assert.equal(answerOf(bare, '/latest/meta-data'), 'instance-id\nhostname\nlocal-hostname\nmac\nipv6\nnetwork/');
    assert.equal(answerOf(bare, '/latest/meta-data/ipv6'), 'fd20::5');
    assert.equal(answerOf(bare, '/latest/user-data'), undefined);
  });

  it('is all there as it is listed, the way that cloud-init goes through it', () => {
    const walk = (path: string): string[] =>
      (answerOf(asking, path) ?? assert.fail(path)).split('\n').flatMap((line) => {
        const [name = '', key] = line.split('=');
        if (line === '') return [];
        if (key !== undefined) return [`${path}${name}/openssh-key`];
        return line.endsWith('/') ? walk(path + line) : [path + line];
      });
    const found = walk('/latest/');
    assert.equal(found.length, 17, found.join(' '));
    for (const path of found) assert.notEqual(answerOf(asking, path) ?? '', '', path);
  });

  it('takes a token but for NoCloud', () => {
    assert.deepEqual(
      ['/', '/latest/user-data', '/nocloudy/user-data', '//nocloud/user-data', '/nocloud/user-data'].map(takesToken),
      [true, true, true, true, false],
    );
  });
});

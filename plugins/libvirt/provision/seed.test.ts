import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { parse } from 'yaml';
import { hostNameOf, type SeedFacts, seedFiles } from './seed.ts';

const plain: SeedFacts = { uuid: 'u-1', name: 'Web_1', sshKeys: [], macs: [], fresh: [], userdata: undefined };

describe('what cloud-init is told', () => {
  it('is who the guest is, and nothing else where nothing is asked for', () => {
    assert.deepEqual(seedFiles(plain), {
      'meta-data': 'instance-id: "u-1"\nlocal-hostname: "web-1"\n',
      'user-data': '#cloud-config\n{}\n',
    });
  });

  it('is keys, cards by their addresses, and file systems of empty disks', () => {
    const files = seedFiles({
      ...plain,
      sshKeys: ['ssh-ed25519 AAAA me@here'],
      macs: ['52:54:00:00:00:01', '52:54:00:00:00:02'],
      fresh: [
        { target: 'vda' },
        { target: 'vdb', filesystem: 'xfs', mountpoint: '/srv' },
        { target: 'vdc', filesystem: 'swap' },
        { target: 'vdd', filesystem: 'ext4' },
      ],
    });
    assert.deepEqual(parse(files['meta-data'] ?? '')['public-keys'], ['ssh-ed25519 AAAA me@here']);
    assert.deepEqual(parse(files['network-config'] ?? ''), {
      version: 2,
      ethernets: {
        nic0: { match: { macaddress: '52:54:00:00:00:01' }, 'set-name': 'nic0', dhcp4: true },
        nic1: { match: { macaddress: '52:54:00:00:00:02' }, 'set-name': 'nic1', dhcp4: true },
      },
    });
    assert.match(files['vendor-data'] ?? '', /^#cloud-config\n/);
    assert.deepEqual(parse(files['vendor-data'] ?? ''), {
      fs_setup: [
        { device: '/dev/vdb', filesystem: 'xfs', partition: 'none', overwrite: false },
        { device: '/dev/vdc', filesystem: 'swap', partition: 'none', overwrite: false },
        { device: '/dev/vdd', filesystem: 'ext4', partition: 'none', overwrite: false },
      ],
      mounts: [
        ['/dev/vdb', '/srv', 'xfs', 'defaults,nofail', '0', '2'],
        ['/dev/vdc', 'none', 'swap', 'sw', '0', '0'],
      ],
    });
  });

  it('is the userdata as it is, and texts that YAML gives back as they were', () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.string()), (text, sshKeys) => {
        const files = seedFiles({ ...plain, userdata: text, sshKeys });
        assert.equal(files['user-data'], text);
        assert.deepEqual(parse(files['meta-data'] ?? '')['public-keys'] ?? [], sshKeys);
      }),
    );
  });

  it('is texts to cloud-init too, which reads YAML 1.1: there addresses may be numbers, and names truths or dates', () => {
    const octet = fc.nat(59).map((of) => String(of).padStart(2, '0'));
    const names = fc.constantFrom('no', 'on', 'y', '2024-01-01', '1e3', '0x10', '017', '1-1', 'null');
    fc.assert(
      fc.property(names, names, octet, octet, (name, uuid, fourth, last) => {
        const mac = `52:54:00:${fourth}:00:${last}`;
        const files = seedFiles({ ...plain, name, uuid, macs: [mac] });
        const read = (file: string) => parse(files[file] ?? '', { version: '1.1' });
        assert.deepEqual(read('meta-data'), { 'instance-id': uuid, 'local-hostname': name });
        assert.deepEqual(read('network-config').ethernets.nic0.match, { macaddress: mac });
      }),
    );
  });

  it('keeps a long key on one line', () => {
    const key = `ssh-rsa ${'A'.repeat(700)} somebody at some place`;
    assert.ok(seedFiles({ ...plain, sshKeys: [key] })['meta-data']?.includes(`- "${key}"\n`));
  });

  it('names a host as hosts may be named', () => {
    assert.deepEqual(['web1', 'Web_1', 'a.b'].map(hostNameOf), ['web1', 'web-1', 'a.b']);
  });
});

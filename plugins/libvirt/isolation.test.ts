import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createVirtualHost } from '../../core/host/virtual-host.ts';
import { aGuest } from '../../test/fixtures/placement-world.ts';
import { markNamespace } from './domain/mark.ts';
import type { VmDoc } from './guest-control.ts';
import { Isolation, mayGoOnElsewhere } from './isolation.ts';
import type { DomainSummary } from './rpc/driver-values.ts';
import { type VmSpec, vmSpec } from './schema.ts';

const disks = (...sources: object[]): VmSpec['disks'] =>
  vmSpec.shape.disks.parse(
    sources.map((source, index) => ({ target: `vd${'abc'[index]}`, source, readonly: 'path' in source })),
  );
const volume = { type: 'volume', pool: 'vms', volume: 'web' };
const onVolume = (name: string, more: Partial<VmSpec> = {}): VmDoc =>
  aGuest(name, 'hv1', { disks: disks(volume), ...more });

describe('a guest that may go on elsewhere', () => {
  for (const [may, what, doc] of [
    [true, 'is one whose disks are volumes', onVolume('web')],
    [
      true,
      'may have an image that all nodes share',
      onVolume('web', { disks: disks(volume, { type: 'file', path: '/nfs/a.iso' }) }),
    ],
    [true, 'may be limited to several nodes', onVolume('web', { limit: ['hv1', 'hv2'] })],
    [
      false,
      'is none with an image of this node',
      onVolume('web', { disks: disks(volume, { type: 'file', path: '/srv/a.iso' }) }),
    ],
    [
      false,
      'is none that writes to a file',
      aGuest('web', 'hv1', {
        disks: vmSpec.shape.disks.parse([{ target: 'vda', source: { type: 'file', path: '/nfs/a' } }]),
      }),
    ],
    [false, 'is none without disks', aGuest('web', 'hv1')],
    [false, 'is none that may run here only', onVolume('web', { limit: ['hv1'] })],
    [false, 'is none that is meant to be off', onVolume('web', { run: 'stopped' })],
    [
      false,
      'is none with a device of this node',
      onVolume('web', {
        definition:
          "<domain><devices><hostdev mode='subsystem' type='pci'><source><address domain='0x0000' bus='0x06' slot='0x02' function='0x0'/></source></hostdev></devices></domain>",
      }),
    ],
  ] as const)
    it(what, () => assert.equal(mayGoOnElsewhere(doc, 'hv1', ['/nfs']), may));
});

/** As libvirt shows a guest of PVC. */
const running = (disk: string): string =>
  `<domain type='kvm'><metadata><pvc:guest xmlns:pvc='${markNamespace}' version='1' accelerator='auto' type='kvm'/></metadata><devices><disk type='${disk}' device='disk'><source protocol='rbd' name='vms/a' file='/srv/a'/><target dev='vda' bus='virtio'/></disk></devices></domain>`;

function setUp() {
  const host = createVirtualHost();
  const here = new Set<string>();
  const xml = new Map<string, string>();
  const destroy = new Map<string, () => Promise<'done'>>();
  const driver = {
    listDomains: async () =>
      [...here].map((uuid): DomainSummary => ({ uuid, name: uuid, id: 1, state: 'running', reason: 'booted' })),
    getXml: async (uuid: string) => xml.get(uuid) ?? '<domain/>',
    destroy: async (uuid: string) => {
      await destroy.get(uuid)?.();
      return here.delete(uuid) ? ('done' as const) : ('absent' as const);
    },
  };
  const libvirt = {
    connected: true,
    why: 'the connection was lost',
    // As the link itself, which has none while libvirt is away.
    get driver() {
      if (!this.connected) throw new Error('libvirt is away');
      return driver;
    },
  };
  const isolation = new Isolation({ node: 'hv1', host }, { sharedPaths: [] }, libvirt);
  return { clock: host.clock, here, xml, destroy, libvirt, isolation };
}

describe('the end of guests on a node that is cut off', () => {
  it('comes to those that may go on elsewhere, and to no other', async () => {
    const { isolation, here } = setUp();
    for (const name of ['web', 'file', 'gone', 'stranger']) here.add(name);
    isolation.learn('web', onVolume('web'));
    isolation.learn('file', aGuest('file', 'hv1'));
    isolation.learn('gone', onVolume('gone'));
    isolation.learn('gone', undefined);
    assert.deepEqual(await isolation.end(), { ended: ['web'], left: [] });
    assert.deepEqual([...here], ['file', 'gone', 'stranger']);
    assert.deepEqual(await isolation.end(), { ended: [], left: [] });
    assert.equal(isolation.hasEnded('web'), true);
    isolation.learn('web', onVolume('web'));
    assert.equal(isolation.hasEnded('web'), false);
  });

  it('comes to one that was moved here when nobody could be asked any more', async () => {
    const { isolation, here, xml } = setUp();
    for (const name of ['came', 'file', 'kept', 'by-hand']) here.add(name);
    xml.set('came', running('network')).set('file', running('file')).set('kept', running('network'));
    isolation.learn('kept', onVolume('kept', { limit: ['hv1'] }));
    isolation.learn('by-hand', undefined);
    assert.deepEqual(await isolation.end(), { ended: ['came'], left: [] });
    assert.deepEqual([...here], ['file', 'kept', 'by-hand']);
  });

  it('comes to those that are named, whatever they are', async () => {
    const { isolation, here, libvirt } = setUp();
    for (const name of ['kept', 'other']) here.add(name);
    isolation.learn('kept', onVolume('kept', { limit: ['hv1'] }));
    const named = new Map([
      ['kept', 'kept'],
      ['off', 'off'],
    ]);
    assert.deepEqual(await isolation.endThese(named), { ended: ['kept'], left: [] });
    assert.deepEqual([[...here], isolation.hasEnded('kept')], [['other'], true]);
    libvirt.connected = false;
    assert.deepEqual((await isolation.endThese(named)).left, [
      'kept: the connection was lost',
      'off: the connection was lost',
    ]);
  });

  it('is told where it does not come, and keeps no other from it', async () => {
    const { isolation, here, destroy, clock } = setUp();
    for (const name of ['refuses', 'hangs', 'web']) {
      here.add(name);
      isolation.learn(name, onVolume(name));
    }
    destroy.set('refuses', () => Promise.reject(new Error('no')));
    destroy.set('hangs', () => new Promise(() => {}));
    const ending = isolation.end();
    await clock.advance(3_000);
    assert.deepEqual(await ending, {
      ended: ['web'],
      left: ['hangs: libvirt did not answer within 3 s', 'refuses: no'],
    });
  });

  it('is told also of one that ended after libvirt was no longer waited for', async () => {
    const { isolation, here, destroy, clock } = setUp();
    for (const name of ['late', 'later']) {
      here.add(name);
      isolation.learn(name, onVolume(name));
      destroy.set(name, () => new Promise(() => {}));
    }
    const ending = isolation.end();
    await clock.advance(3_000);
    assert.deepEqual((await ending).ended, []);
    here.delete('late');
    destroy.set('later', async () => {
      here.delete('later');
      return 'done';
    });
    assert.deepEqual(await isolation.end(), { ended: ['late', 'later'], left: [] });
    assert.deepEqual(await isolation.end(), { ended: [], left: [] });
  });

  it('waits for a libvirt that is away or does not answer', async () => {
    const { isolation, libvirt, clock } = setUp();
    isolation.learn('web', onVolume('web'));
    libvirt.connected = false;
    assert.deepEqual(await isolation.end(), { ended: [], left: ['web: the connection was lost'] });
    libvirt.connected = true;
    libvirt.driver.listDomains = () => new Promise(() => {});
    const ending = isolation.end();
    await clock.advance(3_000);
    assert.deepEqual(await ending, { ended: [], left: ['web: libvirt did not answer within 3 s'] });
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Doc, NodeSpec, NodeStatus } from '../../core/plugin/api.ts';
import { nodeStatus } from '../../test/fixtures/node-status.ts';
import type { VmDoc } from './guest-control.ts';
import { noEnds } from './guest-ends.ts';
import { planGuest } from './guest-plan.ts';
import { moveObjections } from './move-plan.ts';
import { type VmSpec, vmSpec } from './schema.ts';

const node = (
  id: string,
  facts: Record<string, string> = {},
  more: { cpuModel?: string; address?: string | null } = {},
): Doc<NodeSpec, NodeStatus> => ({
  id,
  spec: {
    role: 'coordinator',
    domainState: 'ready',
    ...(more.address === null ? {} : { address: more.address ?? '10.0.0.1' }),
  },
  specVersion: 0,
  birth: '1',
  statusVersion: 0,
  status: nodeStatus(id, { cpuModel: more.cpuModel, facts: { libvirt: { accelerator: 'kvm', ...facts } } }),
});

const guest = (spec: Partial<VmSpec> = {}, accelerator: 'kvm' | 'tcg' = 'tcg'): VmDoc => ({
  id: '1',
  spec: vmSpec.parse({
    name: 'g1',
    run: 'running',
    node: 'hv1',
    memoryMiB: 1024,
    vcpus: 2,
    definition: '<domain type="kvm"><os><type>hvm</type></os></domain>',
    ...spec,
  }),
  specVersion: 0,
  birth: '1',
  status: {
    state: 'running',
    reason: 'booted',
    node: 'hv1',
    sinceMs: 0,
    restartNeeded: [],
    accelerator,
    notes: [],
    conditions: [],
  },
  statusVersion: 0,
});

const disk = (path: string): VmSpec['disks'][number] => ({
  target: 'vda',
  device: 'disk',
  bus: 'virtio',
  source: { type: 'file', path },
  format: 'raw',
  readonly: false,
  extra: '',
});

const shared = { 'shared paths': '/srv/nfs:/var/lib/pvc-guest' };
const withCpu = '<domain type="kvm"><os><type>hvm</type></os><cpu mode="host-passthrough"/></domain>';
const withKernel = '<domain type="kvm"><os><type>hvm</type><kernel>/boot/vmlinuz</kernel></os></domain>';
const withDevice =
  '<domain type="kvm"><os><type>hvm</type></os><devices><hostdev mode="subsystem" type="pci"><source><address domain="0" bus="3" slot="0" function="0"/></source></hostdev></devices></domain>';

const withCard =
  '<domain type="kvm"><os><type>hvm</type></os><devices><interface type="hostdev" managed="yes"><mac address="52:54:00:00:00:01"/><source><address type="pci" domain="0x0000" bus="0x65" slot="0x02" function="0x1"/></source></interface></devices></domain>';
const withVdpa =
  '<domain type="kvm"><os><type>hvm</type></os><devices><interface type="vdpa"><source dev="/dev/vhost-vdpa-0"/></interface></devices></domain>';

describe('objections to a move', () => {
  for (const [what, one, from, to, kind, expected] of [
    ['none without disks', guest(), node('hv1'), node('hv2'), 'any', []],
    [
      'a disk of the node',
      guest({ disks: [disk('/var/x.img')] }),
      node('hv1'),
      node('hv2'),
      'any',
      [/vda is a file of hv1/],
    ],
    [
      'a disk on shared storage',
      guest({ disks: [disk('/srv/nfs/x.img')] }),
      node('hv1', shared),
      node('hv2', shared),
      'any',
      [],
    ],
    [
      'one that only the source shares',
      guest({ disks: [disk('/srv/nfs/x.img')] }),
      node('hv1', shared),
      node('hv2'),
      'any',
      [/vda/],
    ],
    [
      'a namesake of a shared directory',
      guest({ disks: [disk('/srv/nfs2/x.img')] }),
      node('hv1', shared),
      node('hv2', shared),
      'any',
      [/vda/],
    ],
    [
      'a kernel of the node',
      guest({ definition: withKernel }),
      node('hv1'),
      node('hv2'),
      'any',
      [/starts from a file of hv1: \/boot\/vmlinuz/],
    ],
    ['a device of the node', guest({ definition: withDevice }), node('hv1'), node('hv2'), 'any', [/device of hv1/]],
    [
      'a network card that is a device of the node',
      guest({ definition: withCard }),
      node('hv1'),
      node('hv2'),
      'any',
      [/device of hv1: network card 0000:65:02\.1/],
    ],
    [
      'a vDPA device of the node',
      guest({ definition: withVdpa }),
      node('hv1'),
      node('hv2'),
      'any',
      [/network card \/dev\/vhost-vdpa-0/],
    ],
    [
      'a target without address',
      guest(),
      node('hv1'),
      node('hv2', {}, { address: null }),
      'any',
      [/hv2 has no address/],
    ],
    [
      'KVM where there is none',
      guest({}, 'kvm'),
      node('hv1'),
      node('hv2', { accelerator: 'tcg' }),
      'live',
      [/runs with KVM/],
    ],
    [
      'another CPU',
      guest({ definition: withCpu }, 'kvm'),
      node('hv1'),
      node('hv2', {}, { cpuModel: 'Xeon' }),
      'live',
      [/CPU of hv1 \(EPYC\); hv2 has Xeon/],
    ],
    [
      'another CPU when emulated',
      guest({ definition: withCpu }),
      node('hv1'),
      node('hv2', {}, { cpuModel: 'Xeon' }),
      'live',
      [],
    ],
  ] as const) {
    it(what, () => {
      const found = moveObjections(one, from, to)[kind];
      assert.equal(found.length, expected.length, found.join('; '));
      for (const [index, pattern] of expected.entries()) assert.match(found[index] ?? '', pattern);
    });
  }
});

describe('a guest on its way', () => {
  const observed = {
    connected: true,
    guest: undefined,
    task: undefined,
    differences: undefined,
    ends: noEnds,
  };
  const moving = guest({ transfer: { to: 'hv2', task: 't' } });

  it('is left alone while its task is at work', () => {
    assert.deepEqual(planGuest(moving, { ...observed, task: 't' }, 'g1').steps, []);
  });

  it('is put right when no task moves it any more, before anything else', () => {
    assert.deepEqual(
      planGuest(moving, observed, 'g1').steps.map((step) => step.do),
      ['settle'],
    );
  });
});

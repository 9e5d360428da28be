/** Guests whose network cards are virtual functions: where they can be, and how they get there. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aGuest, aNode, aWorld } from '../../test/fixtures/placement-world.ts';
import { nicElement } from './domain/nic.ts';
import { el, printXml } from './domain/xml.ts';
import { functionPools } from './functions.ts';
import type { VmDoc } from './guest-control.ts';
import { Ledger, type NodeDoc } from './ledger.ts';
import { moveObjections, moveRefusals } from './move-plan.ts';
import { placeAll } from './place-all.ts';
import { candidates } from './placement.ts';
import { planRecovery } from './recovery-plan.ts';
import type { Nic } from './schema.ts';

const card = (last: number, network = 'fast'): Nic => ({
  ...{ mac: `52:54:00:00:00:0${last}`, model: 'virtio', extra: '' },
  source: { type: 'network', network },
});

/** A node that tells of functions as the plugin evpn does. */
function nodeWith(id: string, told: string, state?: 'ready' | 'flush'): NodeDoc {
  const node = aNode(id, 1000, state);
  assert.ok(node.status);
  return { ...node, status: { ...node.status, facts: { evpn: { 'network functions': told } } } };
}

const wish = (nics: Nic[]) => ({ name: 'new', memoryMiB: 100, vcpus: 1, limit: [], nics });

const refusals = (nodes: NodeDoc[], guests: VmDoc[], nics: Nic[]): Record<string, readonly string[]> =>
  Object.fromEntries(
    candidates([wish(nics)], new Ledger(aWorld(nodes, guests))).map((one) => [one.node, one.refusals]),
  );

describe('a guest whose card is a virtual function', () => {
  it('is placed where one is not promised yet', () => {
    const nodes = [nodeWith('a', 'fast=ens1f0/1'), nodeWith('b', 'fast=ens1f0/2'), nodeWith('c', 'fast=ens1f0/0')];
    const guests = [aGuest('g1', 'a', { nics: [card(1)] }), aGuest('g2', 'b', { nics: [card(2)], run: 'stopped' })];
    assert.deepEqual(refusals([...nodes, aNode('d', 1000)], guests, [card(9)]), {
      a: ['only 0 of its 1 virtual functions of ens1f0 are not promised to guests'],
      b: [],
      c: ['it has no virtual functions of ens1f0'],
      d: ['it has told of no virtual functions for the network fast'],
    });
  });

  it('counts for each of its cards, and networks that share a card share its functions', () => {
    const told = 'fast=ens1f0/2 lab=ens1f0/2 slow=ens9/1';
    const there = [aGuest('g1', 'a', { nics: [card(1, 'lab')] })];
    const text = ['only 1 of its 2 virtual functions of ens1f0 are not promised to guests'];
    assert.deepEqual(refusals([nodeWith('a', told)], there, [card(8), card(9, 'lab')]), { a: text });
    assert.deepEqual(refusals([nodeWith('a', told)], there, [card(8), card(9, 'slow')]), { a: [] });
  });

  it('leaves others as they were', () => {
    const nodes = [nodeWith('a', 'fast=ens1f0/0'), aNode('b', 1000)];
    assert.deepEqual(refusals(nodes, [], [card(1, 'office')]), { a: [], b: [] });
  });

  it('is never moved while it runs, and says why', () => {
    const [from, to] = [nodeWith('a', 'fast=ens1f0/1'), nodeWith('b', 'fast=ens1f0/1')];
    const guest = aGuest('g1', 'a', { nics: [card(1)] });
    const why = /52:54:00:00:00:01 is a virtual function of a: ens1f0, on the network fast/;
    assert.match(moveObjections(guest, from, to).live.join(), why);
    assert.deepEqual(moveObjections(guest, from, to).any, []);
    assert.match(moveRefusals(guest, from, to, 'live').join(), why);
    assert.deepEqual(moveRefusals(guest, from, to, 'shutdown'), []);
  });

  it('goes from a node that is emptied to where a function is left, each to its own', () => {
    const nodes = [
      nodeWith('a', 'fast=ens1f0/4', 'flush'),
      nodeWith('b', 'fast=ens1f0/1'),
      nodeWith('c', 'fast=ens1f0/1'),
    ];
    const guests = [1, 2, 3].map((number) => aGuest(`g${number}`, 'a', { nics: [card(number)] }));
    const { placements, without } = placeAll(guests, aWorld(nodes, guests), 'shutdown');
    assert.deepEqual(placements.map(({ node }) => node).toSorted(), ['b', 'c']);
    assert.deepEqual(
      without.map(({ guest }) => guest.spec.name),
      ['g3'],
    );
  });

  it('goes on after its node has died where a function is free, or waits', () => {
    const dead = nodeWith('a', 'fast=ens1f0/2');
    const guests = [aGuest('g1', 'a', { nics: [card(1)] }), aGuest('g2', 'a', { nics: [card(2)] })];
    const world = aWorld([dead, nodeWith('b', 'fast=ens1f0/0'), nodeWith('c', 'fast=ens1f0/1')], guests);
    const plan = planRecovery({ ...world, alive: new Set(['b', 'c']), node: 'a', proven: () => true });
    assert.deepEqual(
      plan.placed.flat().map(({ guest, to }) => [guest.spec.name, to]),
      [['g1', 'c']],
    );
    assert.match(plan.waiting[0]?.reason ?? '', /c: only 0 of its 1 virtual functions/);
  });
});

describe('what nodes tell of functions', () => {
  it('is read, and is nothing where a node tells none', () => {
    assert.deepEqual(
      [...functionPools(nodeWith('a', 'fast=ens1f0/8 a.b-c=eth0.5/0'))],
      [
        ['fast', { device: 'ens1f0', functions: 8 }],
        ['a.b-c', { device: 'eth0.5', functions: 0 }],
      ],
    );
    assert.equal(functionPools(undefined).size, 0);
    assert.equal(functionPools(aNode('a', 1)).size, 0);
  });
});

describe('the interface of a virtual function', () => {
  it('is the device itself, managed by libvirt, with the card’s MAC address and VLAN', () => {
    const address = { type: 'pci', domain: '0x0000', bus: '0x65', slot: '0x02', function: '0x1' };
    const element = nicElement(card(1), {
      type: 'hostdev',
      attributes: { managed: 'yes' },
      source: {},
      sourceChildren: [el('address', address)],
      children: [el('vlan', {}, el('tag', { id: '130' }))],
    });
    assert.equal(
      printXml(element),
      [
        "<interface type='hostdev' managed='yes'>",
        "  <mac address='52:54:00:00:00:01'/>",
        '  <source>',
        "    <address type='pci' domain='0x0000' bus='0x65' slot='0x02' function='0x1'/>",
        '  </source>',
        '  <vlan>',
        "    <tag id='130'/>",
        '  </vlan>',
        '</interface>',
      ].join('\n'),
    );
  });
});

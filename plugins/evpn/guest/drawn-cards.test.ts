import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type NetworkSpec, network } from '../network/network-kind.ts';
import { DrawnCards } from './drawn-cards.ts';

const net = (changes: Partial<NetworkSpec> = {}): NetworkSpec =>
  network.spec.parse({ name: 'office', type: 'managed', mtu: 1450, ...changes });

it('tells once of guests whose cards were drawn with another network', () => {
  const cards = new DrawnCards();
  cards.note('web', '10', net());
  cards.note('db', '10', net());
  cards.note('db', '20', net({ name: 'lab' }));
  assert.deepEqual(cards.outdated('10', net()), []);
  assert.deepEqual(cards.outdated('10', net({ description: 'another one' })), [], 'cards know nothing of it');
  assert.deepEqual(cards.outdated('10', net({ mtu: 1400 })), ['web', 'db']);
  assert.deepEqual(cards.outdated('10', net({ mtu: 1400 })), []);
  cards.note('web', '10', net({ mtu: 1400 }));
  assert.deepEqual(cards.outdated('10', net({ mtu: 1400 })), []);
  assert.deepEqual(cards.outdated('20', undefined), ['db'], 'the network is gone');
  assert.deepEqual(cards.outdated('30', net()), []);
});

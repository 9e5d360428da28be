import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  addressOf,
  dhcpRange,
  LabError,
  macOf,
  namespaceName,
  networkNames,
  nodeOf,
  planTopology,
  portName,
} from './topology.ts';

describe('planTopology', () => {
  it('gives every node and network a name, an address and a MAC of its own', () => {
    const { nodes } = planTopology('big', 80);
    const all = nodes.flatMap((node) => networkNames.map((network) => ({ node, network })));
    for (const each of [addressOf, macOf, portName]) {
      assert.equal(new Set(all.map(({ node, network }) => each(node, network))).size, all.length);
    }
    for (const { node, network } of all) {
      // IFNAMSIZ of linux/if.h is 16, its end mark included.
      assert.ok(portName(node, network).length <= 15, portName(node, network));
    }
    assert.ok(all.every(({ node, network }) => Number(addressOf(node, network).split('.')[3]) < 100));
    assert.match(dhcpRange.from, /\.100$/);
  });

  it('refuses names that would not be safe in paths and namespaces, and impossible sizes', () => {
    for (const name of ['', 'A', 'a.b', '../x', 'a b', '-a', 'a'.repeat(33)]) {
      assert.throws(() => planTopology(name, 1), LabError, name);
    }
    for (const count of [0, 81, 1.5, Number.NaN]) assert.throws(() => planTopology('lab', count), LabError);
  });

  it('keeps the namespaces of labs apart whose names begin alike', () => {
    assert.equal(namespaceName('a-b', 'hv1').startsWith(namespaceName('a', '')), false);
  });

  it('says which nodes there are when one is asked for that is not', () => {
    assert.throws(() => nodeOf(planTopology('lab', 2), 'hv3'), /no node hv3; it has hv1, hv2/);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { configSchema } from '../../core/config/schema.ts';
import { nodeFiles } from './node-files.ts';
import { planTopology } from './topology.ts';

const topology = planTopology('lab', 2);
const files = topology.nodes.map(
  (node) =>
    new Map(
      nodeFiles(topology, node, { repository: "/home/it's me", dev: true }).map((file) => [file.path, file] as const),
    ),
);
const text = (node: number, path: string) => files[node]?.get(path)?.text ?? '';

describe('nodeFiles', () => {
  it('gives each node a configuration that the product accepts', () => {
    const config = configSchema.parse(parse(text(1, '/etc/pvc/pvc.yaml')));
    assert.equal(config.node.name, 'hv2');
  });

  it('lets every node find every other by name', () => {
    assert.match(text(0, '/etc/hosts'), /^10\.10\.0\.12 hv2\.cluster hv2$/m);
    assert.match(text(0, '/etc/hosts'), /^10\.10\.1\.11 hv1\.storage$/m);
    assert.equal(text(0, '/etc/hosts'), text(1, '/etc/hosts'));
  });

  it('gives each node an identity of the form of machine-id(5)', () => {
    assert.match(text(0, '/etc/machine-id'), /^[0-9a-f]{32}\n$/);
    assert.notEqual(text(0, '/etc/machine-id'), text(1, '/etc/machine-id'));
  });

  it('starts the product wherever the checkout is', () => {
    assert.equal(files[0]?.get('/usr/bin/pvc')?.mode, 0o755);
    assert.ok(text(0, '/usr/bin/pvc').includes(`exec '/home/it'\\''s me/node_modules/.bin/node'`));
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { fieldShape, shapeOf, unitOf } from '../render/value-shape.ts';
import { parseValue, splitPairs, ValueProblem } from './parse-value.ts';

const parse = (text: string, schema: z.ZodType, name = 'x', hints = {}): unknown => {
  const field = fieldShape(name, schema);
  return parseValue(text, field.shape, { unit: field.unit, ...hints });
};

const nicSource = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('bridge'), bridge: z.string() }),
  z.strictObject({ type: z.literal('user') }),
  z.strictObject({ type: z.literal('network'), network: z.string(), vlan: z.int().optional() }),
]);
const disk = z.object({
  path: z.string(),
  bus: z.enum(['virtio', 'scsi']).default('virtio'),
  readonly: z.boolean().default(false),
  sizeMiB: z.int().optional(),
  tags: z.array(z.string()).optional(),
  source: nicSource.optional(),
});

describe('shapes of fields', () => {
  it('looks through what wraps a schema', () => {
    const field = fieldShape('a', z.string().describe('inner').optional());
    assert.deepEqual(field, {
      name: 'a',
      shape: { type: 'text' },
      required: false,
      nullable: false,
      default: undefined,
      description: 'inner',
      unit: undefined,
    });
    assert.equal(fieldShape('a', z.int().default(3).describe('outer')).default, 3);
    assert.equal(fieldShape('a', z.string().nullable()).nullable, true);
    assert.deepEqual(shapeOf(z.preprocess((value) => value, z.boolean())), { type: 'boolean' });
    assert.deepEqual(shapeOf(z.string().transform(Number)), { type: 'text' });
    assert.deepEqual(shapeOf(z.union([z.literal('a'), z.literal('b')])), { type: 'choice', values: ['a', 'b'] });
    assert.deepEqual(shapeOf(z.lazy(() => z.number())), { type: 'number', integer: false });
    assert.deepEqual(shapeOf(z.unknown()), { type: 'any' });
  });

  it('reads units from names and from the schema', () => {
    assert.equal(unitOf('memoryMiB'), 'MiB');
    assert.equal(unitOf('timeoutS'), 's');
    assert.equal(unitOf('maxDowntimeMs'), 'ms');
    assert.equal(unitOf('sizeBytes'), 'bytes');
    assert.equal(unitOf('vcpus'), undefined);
    assert.equal(unitOf('DNS'), undefined);
    assert.equal(fieldShape('memory', z.int().meta({ unit: 'MiB' }).optional()).unit, 'MiB');
  });
});

describe('texts as values', () => {
  it('reads what the shape takes', () => {
    const cases: [string, z.ZodType, unknown, string?][] = [
      ['007', z.string(), '007'],
      ['7', z.int(), 7],
      ['-1.5e3', z.number(), -1500],
      ['.5', z.number(), 0.5],
      ['4G', z.int(), 4096, 'memoryMiB'],
      ['4GiB', z.int(), 4096, 'memoryMiB'],
      ['512m', z.int(), 512, 'memoryMiB'],
      ['2048', z.int(), 2048, 'memoryMiB'],
      ['1k', z.int(), 1024, 'sizeBytes'],
      ['90s', z.int(), 90_000, 'timeoutMs'],
      ['5m', z.int(), 300, 'timeoutS'],
      ['1.5h', z.number(), 5400, 'timeoutS'],
      ['yes', z.boolean(), true],
      ['OFF', z.boolean(), false],
      ['b', z.enum(['a', 'b']), 'b'],
      ['2', z.union([z.literal(1), z.literal(2)]), 2],
      ['auto', z.union([z.literal('auto'), z.int()]), 'auto'],
      ['5', z.union([z.literal('auto'), z.int()]), 5],
      ['{"a":1}', z.unknown(), { a: 1 }],
      ['word', z.unknown(), 'word'],
      ['["a","b"]', z.array(z.string()), '["a","b"]'],
      ['[1,2]', z.array(z.int()), [1, 2]],
      ['a', z.array(z.string()), 'a'],
      ['a=1,b=2', z.record(z.string(), z.number()), { a: 1, b: 2 }],
      ['path=/x,readonly,bus=scsi,sizeMiB=1G', disk, { path: '/x', readonly: true, bus: 'scsi', sizeMiB: 1024 }],
      ['path=/a\\,b\\\\,tags=x,tags=y', disk, { path: '/a,b\\', tags: ['x', 'y'] }],
      ['path=/a=b', disk, { path: '/a=b' }],
      ['{"path":"/x"}', disk, { path: '/x' }],
      ['path=/x,source.bridge=br0', disk, { path: '/x', source: { type: 'bridge', bridge: 'br0' } }],
      ['bridge=br0', nicSource, { type: 'bridge', bridge: 'br0' }],
      ['type=user', nicSource, { type: 'user' }],
      ['network=n,vlan=7', nicSource, { type: 'network', network: 'n', vlan: 7 }],
      ['', disk.partial(), {}],
    ];
    for (const [text, schema, value, name] of cases) assert.deepEqual(parse(text, schema, name), value, text);
    assert.deepEqual(parse('/x,bus=scsi', disk, 'disk', { lone: 'path' }), { path: '/x', bus: 'scsi' });
    assert.deepEqual(parse('{"a":[1]}', z.string(), 'x', { json: true }), { a: [1] });
  });

  it('says what is wrong', () => {
    const cases: [string, z.ZodType, RegExp, string?][] = [
      ['x', z.int(), /"x" is not a number$/],
      ['', z.int(), /"" is not a number/],
      ['1.5', z.int(), /not a whole number$/],
      ['1e400', z.number(), /not a number/],
      ['4X', z.int(), /unknown unit "X" \(in MiB, or with a unit: 512M, 4G\)/, 'memoryMiB'],
      ['1k', z.int(), /not a whole number of MiB/, 'memoryMiB'],
      ['4G', z.int(), /not a number$/],
      ['maybe', z.boolean(), /neither yes nor no/],
      ['c', z.enum(['a', 'b']), /"c" is not one of a, b/],
      ['x', z.union([z.literal('auto'), z.int()]), /not one of auto, and "x" is not a number/],
      ['pat=/x', disk, /there is no "pat" in it; it takes path, bus/],
      ['path', disk, /"path" has no value/],
      ['bus=ide', disk, /bus: "ide" is not one of virtio, scsi/],
      ['path.a=/x', disk, /"path" has no parts/],
      ['{"a":', disk, /not JSON/],
      ['vlan=7', nicSource, /network missing|bridge missing|no "vlan"/],
      ['a', z.record(z.string(), z.number()), /"a" has no value/],
    ];
    for (const [text, schema, problem, name] of cases) {
      assert.throws(
        () => parse(text, schema, name),
        (error) => error instanceof ValueProblem && problem.test(error.message),
        `${text}: ${problem}`,
      );
    }
  });

  it('cuts pairs at commas that are not escaped', () => {
    assert.deepEqual(splitPairs('a=1,,b,c\\=d=2,e='), [
      ['a', '1'],
      ['b', undefined],
      ['c=d', '2'],
      ['e', ''],
    ]);
  });
});

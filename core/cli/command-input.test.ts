import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { checkInput, fieldsOf } from './command-input.ts';
import { commandSpecs, inputSchema } from './command-spec.ts';
import { commandTree } from './command-tree.ts';
import { type ParsedLine, parseLine } from './commander-program.ts';
import { coreCommands } from './core-commands.ts';
import { kebabCase } from './option-spec.ts';
import { sampleRegistry } from './testing/sample-registry.ts';

const { root } = commandTree(commandSpecs(sampleRegistry(), coreCommands));
const fileTexts: Record<string, string> = { '/a.xml': '<domain/>', '/empty': '' };
const sources = {
  files: { readText: async (path: string) => fileTexts[path] },
  readStandardInput: async () => 'from stdin',
};

function parsed(...argv: string[]): ParsedLine {
  const line = parseLine(root, argv);
  assert.ok('spec' in line, 'a command and not help');
  return line;
}

const input = async (...argv: string[]): Promise<Record<string, unknown>> =>
  fieldsOf(parsed(...argv), 'input', sources);

/** Texts in a `KEY=VALUE,…` value. */
const escaped = (text: string): string => text.replace(/[\\,=]/g, '\\$&');
const pairs = (value: Record<string, unknown>): string =>
  Object.entries(value)
    .map(
      ([key, inner]) =>
        `${escaped(key)}=${typeof inner === 'boolean' ? (inner ? 'yes' : 'no') : escaped(String(inner))}`,
    )
    .join(',');

/** The line that gives an input of `vm create`. */
function argvOf(value: Record<string, unknown>, style: 'joined' | 'apart'): string[] {
  const flags: Record<string, string> = { memoryMiB: 'memory', tags: 'tag', nics: 'nic' };
  const argv = ['vm', 'create'];
  const option = (name: string, text: string): void =>
    void argv.push(...(style === 'joined' ? [`--${name}=${text}`] : [`--${name}`, text]));
  for (const [field, given] of Object.entries(value)) {
    if (field === 'name') continue;
    const name = flags[field] ?? kebabCase(field);
    if (typeof given === 'boolean') argv.push(given ? `--${name}` : `--no-${name}`);
    else if (given === null || (Array.isArray(given) && given.length === 0)) argv.push(`--no-${name}`);
    else if (Array.isArray(given))
      for (const item of given)
        option(name, typeof item === 'object' ? pairs(item as Record<string, unknown>) : String(item));
    else if (field === 'extra') option(name, JSON.stringify(given));
    else if (typeof given === 'object') option(name, pairs(given as Record<string, unknown>));
    else option(name, String(given));
  }
  return [...argv, '--', String(value['name'])];
}

const text = fc.string({ unit: 'grapheme', maxLength: 12 });
const key = fc.stringMatching(/^[a-z][a-z0-9.=,\\-]{0,8}$/);
const anyInput = fc.record(
  {
    name: text,
    vcpus: fc.integer(),
    memoryMiB: fc.integer({ min: 0 }),
    maxDowntimeMs: fc.integer(),
    autostart: fc.boolean(),
    selector: fc.constantFrom('mem', 'load', 'vcpus', 'vms'),
    tags: fc.array(text, { maxLength: 4 }),
    nics: fc.array(
      fc.record(
        { bridge: text, model: fc.constantFrom('virtio', 'e1000'), mac: text, link: fc.boolean() },
        { requiredKeys: ['bridge'] },
      ),
      { minLength: 1, maxLength: 3 },
    ),
    limits: fc.dictionary(
      key,
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (Object.is(value, -0) ? 0 : value)),
      { maxKeys: 4 },
    ),
    home: fc.option(text, { nil: null }),
    extra: fc.record({ a: fc.integer(), b: fc.record({ c: text }) }),
  },
  { requiredKeys: ['name'], noNullPrototype: true },
);

describe('options', () => {
  it('bring any input back that was put on the line', async () => {
    await fc.assert(
      fc.asyncProperty(anyInput, fc.constantFrom('joined' as const, 'apart' as const), async (value, style) => {
        assert.deepEqual(await input(...argvOf(value, style)), JSON.parse(JSON.stringify(value)));
      }),
      { numRuns: 150 },
    );
  });

  it('are read as the help says', async () => {
    const cases: [string[], Record<string, unknown>][] = [
      [['vm', 'create', 'w', '-m', '2G'], { name: 'w', memoryMiB: 2048 }],
      [['vm', 'create', '-m2G', 'w'], { name: 'w', memoryMiB: 2048 }],
      [['vm', 'create', 'w', '--autostart', '--no-autostart'], { name: 'w', autostart: false }],
      [['vm', 'create', 'w', '--vcpus', '1', '--vcpus', '2'], { name: 'w', vcpus: 2 }],
      [
        ['vm', 'create', 'w', '--nic', 'br0', '--nic', '[{"bridge":"br1"},{"bridge":"br2"}]'],
        { name: 'w', nics: [{ bridge: 'br0' }, { bridge: 'br1' }, { bridge: 'br2' }] },
      ],
      [['vm', 'create', 'w', '--definition', '/a.xml'], { name: 'w', definition: '<domain/>' }],
      [['vm', 'create', 'w', '--definition', '/empty'], { name: 'w', definition: '' }],
      [['vm', 'create', 'w', '--definition', '-'], { name: 'w', definition: 'from stdin' }],
      [['vm', 'create', 'w', '--no-tag', '--no-home'], { name: 'w', tags: [], home: null }],
      [['vm', 'ls', '-n', 'hv1'], { node: 'hv1' }],
      [['vm', 'delete', 'w'], { vm: 'w' }],
      [['vm', 'start', '--', '-w'], { vm: '-w' }],
      [['-c', 'lab', 'vm', '-f', 'json', 'start', 'w', '--quiet'], { vm: 'w' }],
    ];
    for (const [argv, value] of cases) assert.deepEqual(await input(...argv), value, argv.join(' '));
  });

  it('of every command may stand anywhere, and the last word counts', () => {
    assert.deepEqual(parsed('-c', 'lab', 'vm', '-f', 'json', 'start', 'w', '--quiet').globals, {
      connection: 'lab',
      format: 'json',
      quiet: true,
    });
    assert.deepEqual(parsed('-c', 'a', 'vm', 'start', 'w', '-c', 'b').globals, { connection: 'b' });
    assert.deepEqual(parsed('vm', 'start', 'w', '--no-color').globals, { colour: false });
  });

  it('of a command win over those of every command', () => {
    const line = parsed('-f', 'json', 'vm', 'log', 'w', '-f');
    assert.equal(line.values.get('flag:follow'), true);
    assert.deepEqual(line.globals, { format: 'json' });
  });

  it('are refused with what was meant', async () => {
    const cases: [string[], RegExp, RegExp][] = [
      [['vn', 'list'], /^Unknown command 'vn'\.$/, /^Did you mean `pvc vm`\?$/],
      [['vm', 'sart', 'w'], /^Unknown command 'sart'\.$/, /^Did you mean `pvc vm start`\?$/],
      [['vm', 'nic', 'ad', 'w'], /^Unknown command 'ad'\.$/, /`pvc vm nic add`/],
      [['vm', 'zzzzzz'], /^Unknown command 'zzzzzz'\.$/, /^See `pvc vm --help`\.$/],
      [['vm', 'create', 'w', '--vcpu', '1'], /^Unknown option '--vcpu'\.$/, /^Did you mean --vcpus\?$/],
      [['vm', 'create', 'w', '--secret', 'x'], /^Unknown option '--secret'\.$/, /./],
      [
        ['vm', 'create', 'w', '--vcpus'],
        /^Option '--vcpus <value>' argument missing\.$/,
        /^See `pvc vm create --help`\.$/,
      ],
      [['vm', 'start'], /^Missing required argument 'VM'\.$/, /^See `pvc vm start --help`\.$/],
      [['vm', 'start', 'a', 'b'], /^Too many arguments for 'start'/, /pvc vm start --help/],
      [['--what', 'vm', 'list'], /^Unknown option '--what'\.$/, /./],
      [['vm', 'create', 'w', '--vcpus', 'x'], /^--vcpus: "x" is not a number$/, /pvc vm create --help/],
      [['vm', 'create', 'w', '--selector', 'x'], /^--selector: "x" is not one of mem, load, vcpus, vms$/, /./],
      [['vm', 'create', 'w', '--extra', '{'], /^--extra: not JSON/, /./],
      [
        ['vm', 'create', 'w', '--nic', 'br0,modell=x'],
        /^--nic: there is no "modell" in it; it takes bridge, model, mac, link$/,
        /./,
      ],
      [
        ['vm', 'create', 'w', '--definition', '/absent'],
        /^--definition: the file \/absent cannot be read: there is no such file$/,
        /standard input/,
      ],
      [['vm', 'create', 'w', '--limits', 'a=b'], /^--limits: "b" is not a number$/, /./],
    ];
    for (const [argv, problem, hint] of cases) {
      await assert.rejects(
        async () => input(...argv),
        (error: Error & { hint?: string; exit?: string }) => {
          assert.match(error.message, problem);
          assert.match(error.hint ?? '', hint);
          assert.equal(error.exit, 'usage');
          return true;
        },
        argv.join(' '),
      );
    }
  });

  it('are judged by the schema in words of the line', async () => {
    const judged = async (...argv: string[]) => {
      const line = parsed(...argv);
      return checkInput(inputSchema(line.spec.target), await fieldsOf(line, 'input', sources), line);
    };
    await assert.rejects(
      judged('vm', 'create', '-x-'.slice(1), '--vcpus', '0'),
      (error: Error & { details?: string[] }) => {
        assert.deepEqual(error.details, [
          'NAME: a name is 1 to 63 of A-Z, a-z, 0-9, ".", "_" and "-", starting and ending with a letter or digit',
          '--vcpus: must be at least 1',
        ]);
        return true;
      },
    );
    await assert.rejects(judged('vm', 'nic', 'add', 'w'), /^PvcError: --source: must be given$/);
    await assert.rejects(
      judged('vm', 'create', 'w', '--nic', 'model=virtio'),
      /^PvcError: --nic: 0\.bridge: expected string, received undefined$/,
    );
  });

  it('cannot both have standard input', async () => {
    const line = parsed('vm', 'create', 'w', '--definition', '-');
    const twice: ParsedLine = {
      ...line,
      options: line.options.map((option) => (option.long === 'home' ? { ...option, cli: { from: 'file' } } : option)),
      values: new Map([...line.values, ['input:home', '-']]),
    };
    await assert.rejects(
      fieldsOf(twice, 'input', sources),
      /Both --home and --definition want standard input|Both --definition and --home want standard input/,
    );
  });
});

describe('kebab case', () => {
  it('keeps units together', () => {
    const cases: [string, string][] = [
      ['maxDowntimeMs', 'max-downtime-ms'],
      ['memoryMiB', 'memory-mib'],
      ['vcpus', 'vcpus'],
      ['timeoutS', 'timeout-s'],
      ['ipV6Address', 'ip-v6-address'],
      ['useDNS', 'use-dns'],
    ];
    for (const [name, flag] of cases) assert.equal(kebabCase(name), flag);
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hardware, macA, macB, refused, setUp, uuid } from '../testing/machines.ts';
import { machine } from './machine-kind.ts';
import { type MachineInfo, machineOperations } from './machine-operations.ts';
import { addressProblem } from './machine-rules.ts';
import type { MachineEvent } from './machine-state.ts';
import { renderMachine, renderMachines } from './render.ts';

const hv4 = { mac: macA, name: 'hv4', address: '10.10.0.14', uuid };
const seen: MachineEvent & { readonly type: 'seen' } = {
  type: 'seen',
  hardware,
  firmware: 'bios',
  before: null,
  objection: null,
  word: null,
};

describe('operations on machines', () => {
  const bad: readonly [what: string, verb: string, input: object, code: string, message: RegExp][] = [
    ['a MAC address that is known', 'add', { ...hv4, name: 'hv5' }, 'MACHINE_KNOWN', /MAC address 52:54:00:00:00:0a/],
    [
      'a UUID that is another’s',
      'add',
      { ...hv4, mac: macB, name: 'hv5', address: '10.10.0.15' },
      'MACHINE_KNOWN',
      /UUID 5c0e3f6e-.* \(hv4\): 52:54:00:00:00:0a/,
    ],
    ['a name that is another’s', 'add', { mac: macB, name: 'hv4', address: '10.10.0.15' }, 'MACHINE_KNOWN', /name hv4/],
    [
      'an address that is another’s',
      'add',
      { mac: macB, name: 'hv5', address: '10.10.0.14' },
      'MACHINE_KNOWN',
      /10\.10\.0\.14/,
    ],
    ['a node’s name', 'add', { mac: macB, name: 'hv1', address: '10.10.0.15' }, 'MACHINE_NODE_EXISTS', /node hv1/],
    [
      'a node’s address',
      'add',
      { mac: macB, name: 'hv5', address: '10.10.0.11' },
      'MACHINE_ADDRESS',
      /of the node hv1/,
    ],
    ['the floating address', 'add', { mac: macB, name: 'hv5', address: '10.10.0.10' }, 'MACHINE_ADDRESS', /floating/],
    [
      'an address elsewhere',
      'add',
      { mac: macB, name: 'hv5', address: '10.11.0.15' },
      'MACHINE_ADDRESS',
      /not in 10\.10/,
    ],
    ['what is no address', 'add', { mac: macB, name: 'hv5', address: '10.11.0' }, 'INPUT_INVALID', /machine.add/],
    [
      'a multicast MAC address',
      'add',
      { mac: '01:00:5e:00:00:01', name: 'hv5', address: '10.10.0.15' },
      'INPUT_INVALID',
      /mac/,
    ],
    ['a machine that is not there', 'info', { machine: 'hv9' }, 'MACHINE_NOT_FOUND', /no machine hv9/],
    ['nothing to change', 'modify', { machine: 'hv4', address: '10.10.0.14' }, 'MACHINE_UNCHANGED', /Nothing/],
    ['one that was accepted', 'accept', { machine: macA.toUpperCase() }, 'MACHINE_BUSY', /accepted already/],
  ];
  for (const [what, verb, input, code, message] of bad)
    it(`refuses ${what}`, async () => {
      const { mutate, query } = await setUp(machineOperations);
      await mutate('add', hv4);
      const asked = verb === 'info' ? query(verb, input) : mutate(verb, input);
      await assert.rejects(asked, refused(code, message));
    });

  it('accepts one that was discovered once it has a name and an address', async () => {
    const { documents, book, write, mutate, query } = await setUp(machineOperations);
    const spec = { uuid, name: null, address: null, attempt: 0 };
    await write([{ do: 'create', kind: machine, id: macB, spec }]);
    await book.note(macB, seen);
    await assert.rejects(mutate('accept', { machine: macB, name: 'hv5' }), refused('MACHINE_INCOMPLETE', /no address/));
    await mutate('accept', { machine: macB, name: 'hv5', address: '10.10.0.15' });
    const [row] = (await query('list', { state: 'accepted' })) as [MachineInfo];
    assert.deepEqual([row.mac, row.name, row.hardware?.product], [macB, 'hv5', 'R1']);
    await book.note(macB, { ...seen, word: 'a'.repeat(64) });
    await assert.rejects(mutate('modify', { machine: 'hv5', name: 'hv6' }), refused('MACHINE_BUSY', /booting/));
    await book.note(macB, { type: 'failed', reason: 'no room' });
    await mutate('modify', { machine: 'hv5', name: 'hv6' });
    await mutate('accept', { machine: 'hv6' });
    assert.equal((await documents.need(machine, macB)).spec.attempt, 2);
    await mutate('remove', { machine: 'hv6' });
    assert.deepEqual(await documents.ids(machine), []);
    assert.equal(await book.note(macB, seen), undefined);
  });

  it('shows it to people', async () => {
    const { book, mutate, query } = await setUp(machineOperations);
    await mutate('add', hv4);
    await book.note(macA, { ...seen, word: 'a'.repeat(64) });
    await book.note(macA, { type: 'told', text: 'the image runs' });
    const context = { width: 120, colour: false, nowMs: 0 };
    const info = (await query('info', { machine: 'hv4' })) as MachineInfo;
    const text = renderMachine(info, context);
    for (const word of ['hv4', '10.10.0.14', 'booting', 'ACME R1', '4 GiB', '(BIOS)', 'the image runs'])
      assert.ok(text.includes(word), `${word} in\n${text}`);
    assert.ok(!text.includes('aaaaaaaa') && !JSON.stringify(info).includes('aaaaaaaa'), 'words are not shown');
    assert.match(renderMachines([info], context), /hv4 +booting +10\.10\.0\.14 +ACME R1/);
  });
});

describe('addresses of machines', () => {
  for (const [cidr, address, problem] of [
    ['10.10.0.0/24', '10.10.0.1', undefined],
    ['10.10.0.0/24', '10.10.0.0', 'it is the address of 10.10.0.0/24 itself'],
    ['10.10.0.0/24', '10.10.0.255', 'it is the broadcast address of 10.10.0.0/24'],
    ['10.10.0.0/31', '10.10.0.0', undefined],
    ['10.10.0.0/24', 'fd00::1', 'it is not in 10.10.0.0/24'],
    ['fd00::/64', 'fd00::1', undefined],
    ['fd00::/64', 'fd01::1', 'it is not in fd00::/64'],
  ] as const)
    it(`${address} in ${cidr}`, () => assert.equal(addressProblem(cidr, address), problem));
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { machine } from '../machine/machine-kind.ts';
import { machineOperations } from '../machine/machine-operations.ts';
import { hardware, macA, macB, refused, setUp } from '../testing/machines.ts';
import { planAcceptance, type Rule, ruleController } from './rule-controller.ts';
import { machineRule } from './rule-kind.ts';
import { ruleOperations } from './rule-operations.ts';

const addresses = { from: '10.10.0.10', to: '10.10.0.13' };

async function scene() {
  const rules = await setUp(ruleOperations);
  const { documents, write, book } = rules;
  const machines = rules.calls(machineOperations);
  const controller = ruleController({
    documents,
    perform: (operation, input) => machines.mutate(operation.split('.')[1] ?? '', input as object),
  });
  const { signal } = new AbortController();
  return {
    ...rules,
    /** A machine asks for something to boot, and nobody knows it. */
    async discover(mac: string, parts: object = {}, objection: string | null = null) {
      await write([
        { do: 'create', kind: machine, id: mac, spec: { uuid: null, name: null, address: null, attempt: 0 } },
      ]);
      const seen = { type: 'seen', firmware: 'bios', before: null, word: null } as const;
      await book.note(mac, { ...seen, objection, hardware: { ...hardware, ...parts } });
    },
    /** The controller looks at it. @returns what the machine then becomes */
    async look(mac: string) {
      const doc = await documents.get(machine, mac);
      const plan = controller.plan(doc, await controller.observe(mac, doc), { node: 'hv1', nowMs: 0 });
      for (const step of plan.steps) await controller.apply(step, mac, signal);
      const { spec } = await documents.need(machine, mac);
      return [spec.name, spec.address, spec.attempt];
    },
  };
}

describe('rules for machines', () => {
  it('accept those that fit, under free names and addresses, until none are left', async () => {
    const { mutate, discover, look, documents } = await scene();
    await mutate('add', { rule: 'acme', name: 'hv#', addresses: '10.10.0.10-10.10.0.13', manufacturer: 'ACME*' });
    for (const [at, mac] of [macA, macB].entries()) {
      await discover(mac);
      // hv1 is a node at 10.10.0.11, and 10.10.0.10 the floating address.
      assert.deepEqual(await look(mac), [`hv${at + 2}`, `10.10.0.${at + 12}`, 1]);
      assert.deepEqual(await look(mac), [`hv${at + 2}`, `10.10.0.${at + 12}`, 1], 'once');
    }
    const macC = '52:54:00:00:00:0c';
    await discover(macC);
    await assert.rejects(look(macC), refused('RULE_EXHAUSTED', /acme accepts the machine 52:54:00:00:00:0c/));
    assert.equal((await documents.need(machine, macC)).spec.attempt, 0);
  });

  it('say of which disks the storage gets hold', async () => {
    const { mutate, discover, look, documents, query } = await scene();
    await mutate('add', { rule: 'a', name: 'a#', addresses: '10.10.0.20-10.10.0.30', product: 'R*', osd: ['all'] });
    await discover(macA);
    await look(macA);
    assert.equal((await documents.need(machine, macA)).spec.disks?.take, 'all');
    assert.equal(((await query('list', {})) as { osd: string }[])[0]?.osd, 'all blank disks');
  });

  it('leave alone what does not fit, what somebody must look at, and what is accepted', async () => {
    const { mutate, discover, look } = await scene();
    await mutate('add', { rule: 'big', name: 'big#', addresses: '10.10.0.20-10.10.0.30', minMemory: 8192 });
    await discover(macA);
    assert.deepEqual(await look(macA), [null, null, 0]);
    await discover(macB, { memoryMiB: 16_384 }, 'two machines with one UUID');
    assert.deepEqual(await look(macB), [null, null, 0]);
    await mutate('remove', { rule: 'big' });
  });

  it('are looked at in the order of their names, and again soon for a machine that has not said what it is', () => {
    const rule = (id: string): Rule => ({ id, spec: { match: { product: '*' }, name: 'n#', addresses } });
    const spec = { uuid: null, name: null, address: null, attempt: 0 };
    const fresh = { id: macA, spec, status: undefined, specVersion: 0, statusVersion: undefined } as never;
    assert.deepEqual(planAcceptance(fresh, [rule('b')]), { steps: [], againInMs: 1_000 });
    const told = {
      ...{ state: 'discovered', sinceMs: 0, reason: '', attempt: 0, seenMs: 0, hardware, word: null, token: null },
      ...{ failures: 0, boots: [] },
    };
    const known = { id: macA, spec, status: told, specVersion: 0, statusVersion: 0 } as never;
    assert.deepEqual(
      planAcceptance(known, [rule('b'), rule('a')]).steps.map(({ text }) => text),
      ['accept it by the rule a'],
    );
    assert.deepEqual(planAcceptance(undefined, [rule('a')]), { steps: [] });
  });

  it('that are wrong are refused, and change nothing', async () => {
    const { mutate, query, documents } = await scene();
    const right = { rule: 'r', name: 'hv#', addresses: '10.10.0.20-10.10.0.30', product: 'R*' };
    await mutate('add', right);
    for (const [input, code, message] of [
      [right, 'RULE_EXISTS', /a rule r/],
      [{ rule: 's', name: 'hv#', addresses: '10.10.0.20-10.10.0.30' }, 'RULE_MATCHES_ALL', /would accept all/],
      [{ ...right, rule: 's', addresses: '10.10.0.30-10.10.0.20' }, 'RULE_ADDRESSES', /comes after/],
      [{ ...right, rule: 's', addresses: '10.11.0.1-10.11.0.2' }, 'RULE_ADDRESSES', /not in/],
      [{ ...right, rule: 's', addresses: '10.10.0.20' }, 'INPUT_INVALID', /a range as/],
      [{ ...right, rule: 's', name: 'hv' }, 'INPUT_INVALID', /ends with a #/],
    ] as const)
      await assert.rejects(mutate('add', input), (error: Error & { details?: readonly string[] }) =>
        refused(code, message)(Object.assign(error, { message: [error.message, ...(error.details ?? [])].join(' ') })),
      );
    assert.deepEqual(await documents.ids(machineRule), ['r']);
    assert.deepEqual(await query('list', {}), [
      {
        ...{ rule: 'r', match: { product: 'R*' }, name: 'hv#', osd: null },
        addresses: { from: '10.10.0.20', to: '10.10.0.30' },
      },
    ]);
    await assert.rejects(mutate('remove', { rule: 's' }), refused('OBJECT_NOT_FOUND', /s/));
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { actor, mutation, placingDaemons, refusedOr } from '../../../test/fixtures/placing-daemons.ts';
import { Ledger } from '../ledger.ts';
import { vm } from '../vm-kind.ts';
import { breaches } from './rule-check.ts';
import { type Rule, ruleOf, vmRule } from './rule-kind.ts';

type Daemons = Awaited<ReturnType<typeof placingDaemons>>;

/** What the strict rules in the store say to where each guest is going. */
async function brokenNow({ seed }: Daemons, only?: string): Promise<string[]> {
  const guests = await seed.list(vm);
  const rules: Rule[] = (await seed.list(vmRule)).map(ruleOf).filter(({ strict }) => strict);
  const ledger = new Ledger({ nodes: [], alive: new Set(), guests, rules });
  return guests.flatMap(({ spec }) =>
    breaches(
      rules.filter(({ name, guests: members }) => members.includes(spec.name) && (only ?? name) === name),
      new Set([spec.name]),
      spec.transfer?.to ?? spec.node,
      (name) => ledger.placeOf(name),
    ).map(({ text }) => text),
  );
}

/** Four guests, at first on the nodes that are given. */
async function withGuests(nodes: readonly string[]): Promise<Daemons> {
  const daemons = await placingDaemons(8_192);
  for (const [index, node] of nodes.entries())
    await ask(daemons, 0, 'vm.create', { name: `g${index}`, memory: 64, node });
  return daemons;
}

async function ask({ host, executors }: Daemons, by: number, operation: string, input: unknown): Promise<void> {
  const asked = executors[by]?.mutate(mutation(operation), input, actor);
  await host.clock.advance(2_000);
  await asked;
}

const node = fc.constantFrom('hv1', 'hv2', 'hv3');
const move = fc.record({ by: fc.nat(2), vm: fc.nat(3).map((number) => `g${number}`), node });
const refusal = /VM_CANNOT_MOVE|VM_RULE_FORBIDS|VM_UNCHANGED|TARGET_BUSY|TOO_CONTENDED/;

const moveAll = (daemons: Daemons, moves: readonly { by: number; vm: string; node: string }[]): Promise<void>[] =>
  moves.map(({ by, ...input }) => refusedOr(refusal, daemons.executors[by], mutation('vm.move'), input));

describe('strict rules', () => {
  it('are kept, however many guests are moved at the same time by several nodes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(move, { minLength: 2, maxLength: 8 }), async (moves) => {
        const daemons = await withGuests(['hv1', 'hv1', 'hv2', 'hv3']);
        await ask(daemons, 0, 'vm-rule.add', { rule: 'pair', kind: 'together', vms: ['g0', 'g1'] });
        await ask(daemons, 0, 'vm-rule.add', { rule: 'spread', kind: 'apart', vms: ['g0', 'g2', 'g3'] });
        const moving = moveAll(daemons, moves);
        await daemons.host.clock.advance(20_000);
        await Promise.all(moving);
        assert.deepEqual(await brokenNow(daemons), []);
      }),
      { numRuns: 20 },
    );
  });

  it('are kept while one that was disabled is wanted back', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(move, { minLength: 1, maxLength: 4 }), fc.nat(2), async (moves, by) => {
        const daemons = await withGuests(['hv1', 'hv1', 'hv2', 'hv3']);
        await ask(daemons, 0, 'vm-rule.add', { rule: 'pair', kind: 'together', vms: ['g0', 'g1'] });
        await ask(daemons, 0, 'vm.disable', { vm: 'g1' });
        const starting = refusedOr(refusal, daemons.executors[by], mutation('vm.start'), { vm: 'g1' });
        const moving = moveAll(
          daemons,
          moves.filter((one) => one.vm === 'g0'),
        );
        await daemons.host.clock.advance(20_000);
        await Promise.all([starting, ...moving]);
        const back = (await daemons.seed.list(vm)).find(({ spec }) => spec.name === 'g1');
        // Its companion may be where it is not, for as long as it is disabled.
        if (back?.spec.run === 'running') assert.deepEqual(await brokenNow(daemons), []);
      }),
      { numRuns: 20 },
    );
  });

  it('that are made while guests are moved are kept, or told not to be', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(move, { minLength: 1, maxLength: 6 }),
        fc.constantFrom('together', 'apart'),
        fc.nat(2),
        async (moves, kind, by) => {
          const daemons = await withGuests(kind === 'apart' ? ['hv1', 'hv2', 'hv3'] : ['hv1', 'hv1', 'hv1']);
          const moving = moveAll(
            daemons,
            moves.filter((one) => one.vm !== 'g3'),
          );
          const making = daemons.executors[by]?.mutate(
            mutation('vm-rule.add'),
            { rule: 'new', kind, vms: ['g0', 'g1', 'g2'] },
            actor,
          );
          await daemons.host.clock.advance(20_000);
          await Promise.all(moving);
          const { warnings } = (await making) ?? assert.fail('nothing was asked');
          if (warnings.length === 0) assert.deepEqual(await brokenNow(daemons, 'new'), []);
        },
      ),
      { numRuns: 20 },
    );
  });
});

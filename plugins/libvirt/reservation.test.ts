import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { createVirtualHost } from '../../core/host/virtual-host.ts';
import { node } from '../../core/model/node-kind.ts';
import { Shapes } from '../../core/model/shapes.ts';
import { Executor } from '../../core/operation/execute.ts';
import type { Mutation } from '../../core/operation/operation.ts';
import { OperationRegistry } from '../../core/operation/registry.ts';
import { commitOf, Documents } from '../../core/store/documents.ts';
import { MemoryCluster } from '../../core/store/memory.ts';
import { nodeStatus } from '../../test/fixtures/node-status.ts';
import { changeOperations } from './operations/change.ts';
import { defineOperations } from './operations/define.ts';
import { moveOperations } from './operations/move.ts';
import { powerOperations } from './operations/power.ts';
import { hostReserveMiB } from './placement.ts';
import { vm } from './vm-kind.ts';

const actor = { name: 'root', role: 'admin', via: 'socket' } as const;
const registry = new OperationRegistry();
for (const operation of [...defineOperations, ...moveOperations, ...powerOperations, ...changeOperations])
  registry.add('libvirt', operation);
const mutation = (name: string): Mutation => {
  const found = registry.get(name);
  return found.type === 'mutation' ? found : assert.fail(`${name} changes nothing`);
};
const [first, second, third] = ['hv1', 'hv2', 'hv3'];

/** Several daemons on one store, each with an executor of its own, and answers that take their time. */
async function setUp(memoryMiB: number) {
  const host = createVirtualHost();
  const cluster = new MemoryCluster({ clock: host.clock });
  const seed = new Documents(cluster.open('seed'));
  for (const name of [first, second, third] as string[]) {
    const { ops } = commitOf(
      [
        {
          do: 'create',
          kind: node,
          id: name,
          spec: { role: 'coordinator', domainState: 'ready', address: `10.0.0.1${name.slice(2)}` },
          status: nodeStatus(name, { cpus: 64, memoryMiB, facts: { libvirt: { accelerator: 'tcg' } } }),
        },
      ],
      new Shapes(),
    );
    await seed.store.commit([...ops, { op: 'create', key: `/alive/${name}`, value: '1' }]);
  }
  const executors = ['a', 'b', 'c'].map((name) => {
    cluster.link(name).setLatency({ minMs: 1, maxMs: 9 });
    return new Executor({
      host,
      documents: new Documents(cluster.open(name)),
      localNode: first,
      admit: async () => undefined,
    });
  });
  const promised = async (): Promise<Map<string, number>> => {
    const sums = new Map<string, number>();
    for (const { spec } of (await seed.list(vm)).filter((one) => one.spec.run !== 'disabled'))
      for (const at of new Set([spec.node, spec.transfer?.to]))
        if (at !== undefined) sums.set(at, (sums.get(at) ?? 0) + spec.memoryMiB);
    return sums;
  };
  return { host, seed, executors, promised };
}

/** Carries it out; being refused for one of these reasons is fine. */
async function refusedOr(
  codes: RegExp,
  executor: Executor | undefined,
  operation: Mutation,
  input: unknown,
): Promise<void> {
  try {
    await executor?.mutate(operation, input, actor);
  } catch (error) {
    assert.match(String((error as { code?: string }).code), codes, String(error));
  }
}

describe('memory of nodes', () => {
  it('is never promised twice, however many guests are placed and moved at the same time', async () => {
    const request = fc.record({ by: fc.nat(2), memory: fc.constantFrom(300, 500, 900) });
    await fc.assert(
      fc.asyncProperty(fc.array(request, { minLength: 2, maxLength: 8 }), async (requests) => {
        const room = 1_500;
        const { host, seed, executors, promised } = await setUp(room + hostReserveMiB);
        const placing = requests.map(({ by, memory }, index) =>
          refusedOr(/VM_NO_NODE|TOO_CONTENDED/, executors[by], mutation('vm.create'), { name: `g${index}`, memory }),
        );
        await host.clock.advance(20_000);
        await Promise.all(placing);
        for (const [name, sum] of await promised()) assert.ok(sum <= room, `${name} has promised ${sum} of ${room}`);
        const guests = await seed.list(vm);
        assert.ok(guests.length > 0);
        // All away from where they are, at the same time.
        const moving = guests.map((guest, index) =>
          refusedOr(/VM_CANNOT_MOVE|TOO_CONTENDED/, executors[index % 3], mutation('vm.migrate'), { vm: guest.id }),
        );
        await host.clock.advance(20_000);
        await Promise.all(moving);
        for (const [name, sum] of await promised()) assert.ok(sum <= room, `${name} has promised ${sum} of ${room}`);
      }),
      { numRuns: 40 },
    );
  });

  it('is booked anew for a guest that was disabled, and for one that is to have more', async () => {
    const request = fc.record({ by: fc.nat(2), memory: fc.constantFrom(300, 500) });
    await fc.assert(
      fc.asyncProperty(fc.array(request, { minLength: 2, maxLength: 6 }), async (requests) => {
        const room = 1_200;
        const { host, seed, executors, promised } = await setUp(room + hostReserveMiB);
        const place = async (prefix: string) => {
          const all = requests.map(({ by, memory }, index) =>
            refusedOr(/VM_NO_NODE|TOO_CONTENDED/, executors[by], mutation('vm.create'), {
              name: `${prefix}${index}`,
              memory,
            }),
          );
          await host.clock.advance(20_000);
          await Promise.all(all);
        };
        await place('old');
        const old = await seed.list(vm);
        for (const { id } of old) {
          const disabling = executors[0]?.mutate(mutation('vm.disable'), { vm: id }, actor);
          await host.clock.advance(1_000);
          await disabling;
        }
        await place('new');
        const young = (await seed.list(vm)).filter((one) => one.spec.run !== 'disabled');
        // All that were disabled are wanted back while the others grow.
        const wanted = [
          ...old.map((one, index) =>
            refusedOr(/VM_NO_ROOM|TOO_CONTENDED/, executors[index % 3], mutation('vm.start'), { vm: one.id }),
          ),
          ...young.map((one, index) =>
            refusedOr(/VM_NO_ROOM|TOO_CONTENDED/, executors[index % 3], mutation('vm.memory'), {
              vm: one.id,
              memory: 2 * one.spec.memoryMiB,
            }),
          ),
        ];
        await host.clock.advance(20_000);
        await Promise.all(wanted);
        for (const [name, sum] of await promised()) assert.ok(sum <= room, `${name} has promised ${sum} of ${room}`);
      }),
      { numRuns: 30 },
    );
  });
});

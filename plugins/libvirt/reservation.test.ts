import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { actor, mutation, placingDaemons, refusedOr } from '../../test/fixtures/placing-daemons.ts';
import { hostReserveMiB } from './placement.ts';
import { vm } from './vm-kind.ts';

describe('memory of nodes', () => {
  it('is never promised twice, however many guests are placed and moved at the same time', async () => {
    const request = fc.record({ by: fc.nat(2), memory: fc.constantFrom(300, 500, 900) });
    await fc.assert(
      fc.asyncProperty(fc.array(request, { minLength: 2, maxLength: 8 }), async (requests) => {
        const room = 1_500;
        const { host, seed, executors, promised } = await placingDaemons(room + hostReserveMiB);
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
        const { host, seed, executors, promised } = await placingDaemons(room + hostReserveMiB);
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

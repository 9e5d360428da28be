/** Carries out the moves of a balance: a task of the primary. What was asked is checked again at each move. @module */
import { type AnyTaskDefinition, defineTask, names, type Runtime, z } from '../../core/plugin/api.ts';
import { moveAll, reasons } from './move-all.ts';
import { vm } from './vm-kind.ts';

export const balanceInput = z.strictObject({
  moves: z.array(z.strictObject({ vm: names.uuid, from: names.nodeName, to: names.nodeName })),
});
export type BalanceInput = z.infer<typeof balanceInput>;

export function balanceTask(runtime: Runtime): AnyTaskDefinition {
  return defineTask({
    action: 'cluster.balance',
    summary: 'moves guests so that rules are kept and nodes are evenly full',
    async run(run) {
      const { moves } = balanceInput.parse(run.spec.input);
      const asked = new Map(moves.map((one) => [one.vm, one]));
      const stayed = await moveAll(runtime, run, {
        // One that somebody has moved elsewhere meanwhile is left there.
        left: async () =>
          (await runtime.documents.list(vm)).filter(({ id, spec }) => asked.get(id)?.from === spec.node),
        // Who is away from home returns there some day.
        ask: ({ id, spec }) => ({
          operation: spec.home === undefined ? 'vm.move' : 'vm.migrate',
          input: { vm: id, node: asked.get(id)?.to },
        }),
      });
      return { moved: moves.length - stayed.size, stayed: reasons(stayed) };
    },
  });
}

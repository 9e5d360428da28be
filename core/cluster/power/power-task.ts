/** Switches the power of a node: a task of the primary, good to be begun again at any moment. @module */
import { z } from 'zod';
import { defineErrors } from '../../error/error.ts';
import type { NodePower, Power } from '../../plugin/power.ts';
import { defineTask, type TaskDefinition } from '../../task/task-definition.ts';

/** Both halves of a cycle, each with its attempts and its reading back. */
export const switchTimeoutMs = 180_000;

const powerTaskError = defineErrors({
  POWER_OWN: {
    message: 'The node {node} has become primary itself: it cannot switch its own power and read that back.',
    hint: 'Nothing was switched. Hand the role over (`pvc node secondary {node}`) and try again.',
    http: 409,
    exit: 'refused',
  },
});

const input = z.object({ action: z.enum(['on', 'off', 'cycle', 'reset', 'netboot']) });

export const powerTask = (own: string, power: NodePower): TaskDefinition =>
  defineTask({
    action: 'node.power',
    summary: 'switches the power of a node through its BMC',
    async run(run): Promise<{ node: string; power: Power }> {
      const node = run.spec.target.id;
      const { action } = input.parse(run.spec.input);
      if (node === own && action !== 'on') throw powerTaskError('POWER_OWN', { node });
      const read = (state: Power) => ({ node, power: state });
      if (action === 'reset' || action === 'netboot') {
        await power[action](node, run.signal);
        return read('on');
      }
      // Whoever continues a cycle after this phase must not cut the power of a machine that boots.
      if (action !== 'on' && run.phase !== 'off') {
        await power.off(node, run.signal);
        if (action === 'off') return read('off');
        await run.advance('off', { message: 'its BMC reads off', progress: 0.5 });
      }
      await power.on(node, run.signal);
      return read('on');
    },
  });

/** A node without guests, for maintenance, and back. @module */
import { defineMutation, names, node, type PlanBuilder, type PlanContext, z } from '../../../core/plugin/api.ts';
import { byImportance, placeAll } from '../place-all.ts';
import { isRunning, vm, vmError } from '../vm-kind.ts';
import { worldOf } from './world.ts';

const input = z.strictObject({ node: names.nodeName.describe('name of the node') });
const answer = z.object({ node: z.string(), domainState: z.string(), guests: z.array(z.string()) });
const nodeArgument = { field: 'node', complete: 'node' } as const;
const flushTimeoutMs = 6 * 3_600_000;

const target = (name: string) => ({ kind: 'node', id: name, label: name });

async function setState(
  plan: PlanBuilder,
  context: PlanContext,
  name: string,
  domainState: 'flush' | 'unflush',
): Promise<void> {
  const doc = await context.view.need(node, name);
  const { leaving, ...spec } = doc.spec;
  // Whoever takes it back has decided about a machine that was to go down as well.
  const kept = domainState === 'flush' && leaving !== undefined ? { leaving } : {};
  if (doc.spec.domainState !== domainState) plan.update(node, doc, { ...spec, ...kept, domainState });
}

export const nodeGuestOperations = [
  defineMutation({
    name: 'node.flush',
    summary: 'Move all guests away from a node, for maintenance',
    description:
      'The node takes no guests any more; those that run there are moved, two at a time, the most important first, each to the node that its selector chooses and with those that strict rules keep with it. What cannot be moved is named before anything moves and at the end, and stays: `--plan` shows it. `node ready` brings back what has its home there.',
    http: { method: 'POST', path: '/nodes/{node}/flush' },
    cli: {
      command: 'node flush',
      arguments: [nodeArgument],
      waits: true,
      examples: ['pvc node flush hv2 --plan', 'pvc node flush hv2'],
    },
    role: 'operator',
    input,
    output: answer,
    async plan(plan, context, { node: name }) {
      const doc = await context.view.need(node, name);
      const world = await worldOf(context.view);
      const guests = world.guests
        .filter(({ spec, status }) => spec.node === name && isRunning({ status }))
        .toSorted(byImportance);
      const others = world.nodes.filter(
        (one) => one.id !== name && world.alive.has(one.id) && one.spec.domainState === 'ready',
      );
      if (guests.length > 0 && others.length === 0)
        throw vmError(
          'VM_CANNOT_MOVE',
          { vm: guests.map((one) => one.spec.name).join(', ') },
          { details: ['no other node is ready for guests'] },
        );
      if (doc.spec.domainState === 'flushed') plan.warn(`${name} is flushed already.`);
      else {
        await setState(plan, context, name, 'flush');
        plan.task({
          action: 'node.flush',
          target: target(name),
          node: undefined,
          input: null,
          timeoutMs: flushTimeoutMs,
        });
        plan.act(`move ${guests.length} guests away from ${name}`);
        const { placements, without } = placeAll(
          guests.filter(({ spec }) => spec.transfer === undefined),
          world,
        );
        for (const one of placements) {
          plan.act(`move ${one.guest.spec.name} to ${one.node}, as things are now`);
          for (const text of one.unkept) plan.warn(`On ${one.node} a preferred rule is not kept: ${text}.`);
        }
        for (const one of without)
          plan.warn(`${one.guest.spec.name} cannot be moved, and stays: ${one.reasons.join('; ')}.`);
      }
      return { node: name, domainState: 'flush', guests: guests.map((one) => one.spec.name) };
    },
  }),
  defineMutation({
    name: 'node.ready',
    summary: 'Let a node have guests again, and bring back those whose home it is',
    http: { method: 'POST', path: '/nodes/{node}/ready' },
    cli: { command: 'node ready', arguments: [nodeArgument], waits: true },
    role: 'operator',
    input,
    output: answer,
    async plan(plan, context, { node: name }) {
      const doc = await context.view.need(node, name);
      const guests = (await context.view.list(vm)).filter((one) => one.spec.home === name);
      if (doc.spec.domainState === 'ready') plan.warn(`${name} is ready already.`);
      else {
        await setState(plan, context, name, 'unflush');
        plan.task({
          action: 'node.ready',
          target: target(name),
          node: undefined,
          input: null,
          timeoutMs: flushTimeoutMs,
        });
        plan.act(`bring ${guests.length} guests back to ${name}`);
      }
      return { node: name, domainState: 'unflush', guests: guests.map((one) => one.spec.name) };
    },
  }),
];

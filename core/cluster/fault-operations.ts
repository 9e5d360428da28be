/** Faults: what is wrong, what was wrong, "I know". @module */
import { z } from 'zod';
import { fault, severities } from '../fault/fault-kind.ts';
import { defineMutation, defineQuery } from '../operation/operation.ts';
import { renderFaults } from './cluster-render.ts';
import { isOpen } from './health-score.ts';

const faultView = z.object({
  id: z.string(),
  severity: z.enum(severities),
  state: z.enum(['open', 'acknowledged', 'cleared']),
  object: z.string(),
  message: z.string(),
  hint: z.string(),
  delta: z.int(),
  firstMs: z.int(),
  lastMs: z.int(),
  clearedMs: z.int().optional(),
  acknowledgedMs: z.int().optional(),
  acknowledgedBy: z.string().optional(),
  node: z.string(),
});
export type FaultView = z.infer<typeof faultView>;

const id = z.string().min(1).max(128).describe('id of the fault');

export const faultOperations = [
  defineQuery({
    name: 'fault.list',
    summary: 'List what is wrong, and on request what was',
    http: { method: 'GET', path: '/faults' },
    cli: { command: 'fault list', nameField: 'id', render: renderFaults, options: { cleared: { short: 'a' } } },
    role: 'viewer',
    input: z.strictObject({ cleared: z.boolean().default(false).describe('also those that have cleared') }),
    output: z.array(faultView),
    async run({ view }, input) {
      return (await view.list(fault))
        .flatMap((doc) => (doc.status === undefined ? [] : [{ doc, status: doc.status }]))
        .filter(({ doc }) => input.cleared || isOpen(doc))
        .map(({ doc, status }) => ({
          id: doc.id,
          state:
            status.clearedMs !== undefined
              ? ('cleared' as const)
              : doc.spec.acknowledgedMs !== undefined
                ? ('acknowledged' as const)
                : ('open' as const),
          ...status,
          ...doc.spec,
        }))
        .sort((a, b) => severities.indexOf(b.severity) - severities.indexOf(a.severity) || a.firstMs - b.firstMs);
    },
  }),
  defineMutation({
    name: 'fault.ack',
    summary: 'Acknowledge a fault: it stays visible and no longer lowers the health',
    http: { method: 'POST', path: '/faults/{id}/ack' },
    cli: { command: 'fault ack', arguments: [{ field: 'id', complete: 'fault' }] },
    role: 'operator',
    input: z.strictObject({ id }),
    output: z.object({ id: z.string() }),
    async plan(plan, context, input) {
      const doc = await context.view.need(fault, input.id);
      if (doc.spec.acknowledgedMs === undefined) {
        plan.update(fault, doc, { acknowledgedMs: context.nowMs, acknowledgedBy: context.actor.name });
        plan.act(`acknowledge the fault ${input.id}`);
      } else plan.warn(`It was acknowledged by ${doc.spec.acknowledgedBy ?? 'somebody'} already.`);
      return { id: input.id };
    },
  }),
  defineMutation({
    name: 'fault.remove',
    summary: 'Forget a fault that has cleared',
    http: { method: 'DELETE', path: '/faults/{id}' },
    cli: { command: 'fault remove', arguments: [{ field: 'id', complete: 'fault' }] },
    role: 'operator',
    input: z.strictObject({ id }),
    output: z.object({ id: z.string() }),
    async plan(plan, { view }, input) {
      const doc = await view.need(fault, input.id);
      if (isOpen(doc)) plan.warn('It is still open: it comes back with the next look at its cause.');
      plan.remove(fault, doc);
      plan.act(`forget the fault ${input.id}`);
      return { id: input.id };
    },
  }),
];

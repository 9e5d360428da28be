/** Operations on tokens: make, list, remove. @module */
import { z } from 'zod';
import { modelError } from '../model/kind.ts';
import { tagName } from '../model/names.ts';
import { defineMutation, defineQuery, grantableRoles, type PlanContext, roles } from '../operation/operation.ts';
import { makeToken } from './token.ts';
import { type TokenSpec, token } from './token-kind.ts';

const unitMs = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000, y: 365 * 86_400_000 } as const;

/** `30d` in milliseconds. */
function spanMs(text: string): number {
  return Number(text.slice(0, -1)) * unitMs[text.slice(-1) as keyof typeof unitMs];
}

const tokenView = z.object({
  id: z.string(),
  name: z.string(),
  role: z.enum(roles),
  createdMs: z.int(),
  createdBy: z.string(),
  expiresMs: z.int().nullable(),
  expired: z.boolean(),
});
export type TokenView = z.infer<typeof tokenView>;

const isExpired = (spec: TokenSpec, nowMs: number): boolean => spec.expiresMs !== undefined && spec.expiresMs <= nowMs;

function viewOf(id: string, spec: TokenSpec, nowMs: number): TokenView {
  const { name, role, createdMs, createdBy, expiresMs } = spec;
  return { id, name, role, createdMs, createdBy, expiresMs: expiresMs ?? null, expired: isExpired(spec, nowMs) };
}

/** The text of the token that a plan made, until its answer is revealed: it is held by nothing else. */
const texts = new WeakMap<PlanContext, string>();

export const tokenOperations = [
  defineMutation({
    name: 'token.create',
    summary: 'Make a token for the HTTPS API',
    description:
      'The token is shown once, in the answer; only a hash of it is stored. Whoever holds it may do what its role allows.',
    http: { method: 'POST', path: '/tokens' },
    cli: {
      command: 'token create',
      arguments: [{ field: 'name', value: 'NAME' }],
      options: { role: { complete: [...grantableRoles] }, expires: { value: 'SPAN' } },
      examples: ['pvc token create grafana --role viewer --expires 90d'],
    },
    role: 'admin',
    input: z.strictObject({
      name: tagName.describe('who or what it is for; shown in the audit log'),
      role: z.enum(grantableRoles).default('viewer').describe('what it may do'),
      expires: z
        .string()
        .regex(/^[1-9]\d{0,5}[mhdwy]$/, 'a span as 12h, 30d, 8w or 1y')
        .optional()
        .describe('for how long it is valid, as 12h, 30d, 8w or 1y; for ever unless given'),
    }),
    output: tokenView.extend({ token: z.string().nullable().describe('the token itself; null in a plan') }),
    async plan(plan, context, input) {
      const { view, nowMs, actor } = context;
      const taken = await view.find(token, 'name', input.name);
      if (taken !== undefined)
        throw modelError('OBJECT_EXISTS', { kind: 'token', field: 'name', value: input.name, owner: '' });
      const made = makeToken((length) => context.bytes(length), {
        name: input.name,
        role: input.role,
        nowMs,
        createdBy: actor.name,
        ...(input.expires === undefined ? {} : { expiresMs: nowMs + spanMs(input.expires) }),
      });
      plan.create(token, made.id, made.spec);
      plan.act(`make the token ${input.name} with the role ${input.role}`);
      texts.set(context, made.text);
      return { ...viewOf(made.id, made.spec, nowMs), token: null };
    },
    reveal: (context, _input, answer) => ({ ...answer, token: texts.get(context) ?? null }),
  }),
  defineQuery({
    name: 'token.list',
    summary: 'List the tokens of the HTTPS API',
    http: { method: 'GET', path: '/tokens' },
    cli: { command: 'token list' },
    role: 'admin',
    input: z.strictObject({}),
    output: z.array(tokenView),
    run: async ({ view, nowMs }) =>
      (await view.list(token)).map((doc) => viewOf(doc.id, doc.spec, nowMs)).sort((a, b) => (a.name < b.name ? -1 : 1)),
  }),
  defineMutation({
    name: 'token.remove',
    summary: 'Remove a token; it is refused from then on',
    http: { method: 'DELETE', path: '/tokens/{token}' },
    cli: {
      command: 'token remove',
      arguments: [{ field: 'token', complete: 'token' }],
      confirm: 'Remove the token {token}? Its users are locked out at once.',
    },
    role: 'admin',
    input: z.strictObject({ token: tagName.describe('name or id') }),
    output: tokenView,
    async plan(plan, { view, nowMs }, input) {
      const doc = (await view.find(token, 'name', input.token)) ?? (await view.need(token, input.token));
      plan.remove(token, doc);
      plan.act(`remove the token ${doc.spec.name}`);
      const others = (await view.list(token)).filter(
        (other) => other.id !== doc.id && other.spec.role === 'admin' && !isExpired(other.spec, nowMs),
      );
      if (doc.spec.role === 'admin' && others.length === 0) {
        plan.warn(
          'No token of an administrator is left: over HTTPS nobody can administer this cluster until root makes one on a node.',
        );
      }
      return viewOf(doc.id, doc.spec, nowMs);
    },
  }),
];

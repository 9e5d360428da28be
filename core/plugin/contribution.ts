/**
 * What plugins give must look like, checked before it is used: third-party plugins are JavaScript, and
 * a missing function must be that plugin's fault and not the daemon's crash.
 * @module
 */
import { z } from 'zod';
import { issueLines } from '../model/document-text.ts';
import { roles } from '../operation/operation.ts';
import type { Problem } from './hook-point.ts';
import { ownInitFields } from './init-part.ts';

const fn = z.custom((value) => typeof value === 'function', 'must be a function');
const schema = z.custom(
  (value) => typeof (value as { safeParse?: unknown } | null | undefined)?.safeParse === 'function',
  'must be a zod schema',
);
const objectSchema = schema.refine(
  (value) => typeof (value as { shape?: unknown }).shape === 'object',
  'must be a z.object',
);
const text = z.string().min(1);
const word = z.string().regex(/^[a-z][a-z0-9-]{0,39}$/, 'must be 1 to 40 of a-z, 0-9 and "-"');
const dotted = z.string().regex(/^[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)+$/, 'must be words in lower case with dots between');

/** First segments of keys that are no kinds. */
const reserved = ['claim', 'at', 'alive', 'primary', 'layout'];

const kind = z.looseObject({
  name: word.refine((name) => !reserved.includes(name), 'is a word that PVC needs itself'),
  plural: text,
  version: z.int().min(1),
  id: schema,
  spec: schema,
  status: schema,
});

const functionOf = {
  query: 'run',
  mutation: 'plan',
  feed: 'open',
  channel: 'connect',
  upload: 'receive',
  download: 'send',
} as const;

const operation = z
  .looseObject({
    name: text,
    type: z.enum(['query', 'mutation', 'feed', 'channel', 'upload', 'download']),
    summary: text,
    http: z.looseObject({
      method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']),
      path: z.string().regex(/^(?:\/(?:[a-z0-9-]+|\{\w+\}))+$/, 'must be like /greetings/{name}'),
    }),
    role: z.enum(roles),
    input: objectSchema,
    output: schema,
    answersWithinMs: z.number().min(1_000).max(60_000).optional(),
    cli: z
      .looseObject({ command: z.string().regex(/^[a-z][a-z0-9-]*(?: [a-z][a-z0-9-]*)*$/, 'must be words') })
      .optional(),
  })
  .superRefine((value, context) => {
    const name = functionOf[value.type];
    if (typeof value[name] !== 'function')
      context.addIssue({ code: 'custom', path: [name], message: 'must be a function' });
  });

const controller = z.looseObject({
  name: text,
  kind,
  scope: z.enum(['node', 'primary', 'leader']),
  observe: fn,
  plan: fn,
  apply: fn,
  mine: fn.optional(),
  present: fn.optional(),
  glance: fn.optional(),
  sign: fn.optional(),
  report: fn.optional(),
  watch: fn.optional(),
});

const initPart = z.looseObject({
  field: z
    .string()
    .regex(/^[a-z][a-zA-Z0-9]{0,39}$/, 'must be a name in camelCase')
    .refine((name) => !ownInitFields.includes(name), 'is an option that cluster init has already'),
  schema: schema.refine((value) => (value as z.ZodType).safeParse(undefined).success, 'must be optional'),
  plan: fn,
});

const task = z.looseObject({ action: dotted, summary: text, run: fn, abandoned: fn.optional() });

const health = z.looseObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'must be one word'),
  summary: text,
  intervalMs: z.number().min(100),
  timeoutMs: z.number().min(1),
  run: fn,
});

const metric = z.looseObject({
  name: z.string().regex(/^[a-zA-Z_:][a-zA-Z0-9_:]*$/, 'must be a name that Prometheus takes'),
  help: text,
  type: z.enum(['gauge', 'counter']),
  labels: z.array(z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/, 'must be a label that Prometheus takes')),
  collect: fn,
});

const notNow = z.looseObject({ notNow: text });
const texts = z.array(text);
const stranded = z.array(z.looseObject({ object: text, needs: texts }));
const proof = z.looseObject({ covers: texts, text }).optional();
const waiting = z.array(z.looseObject({ object: text, reason: text }));
const isolationEnd = z.looseObject({ ended: texts, left: texts });
const power = z.looseObject({
  name: word,
  summary: text,
  status: fn,
  off: fn,
  on: fn,
  reset: fn,
  bootFromNetwork: fn.optional(),
});

const named = (value: unknown): string => {
  const { name, action, field } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  const label = name ?? action ?? field;
  return typeof label === 'string' ? ` ${label}` : '';
};

const shaped =
  (what: string, shape: z.ZodType): Problem =>
  (value) => {
    const checked = shape.safeParse(value);
    return checked.success ? undefined : `no proper ${what}${named(value)} (${issueLines(checked.error).join('; ')})`;
  };

/** One check for each thing that a plugin can give. */
export const problemOf = {
  config: shaped('schema', schema),
  kind: shaped('kind', kind),
  operation: shaped('operation', operation),
  initPart: shaped('part of cluster init', initPart),
  controller: shaped('controller', controller),
  task: shaped('task', task),
  health: shaped('health check', health),
  metric: shaped('metric', metric),
  power: shaped('power driver', power),
  facts: shaped('facts', z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))),
  counts: shaped('counts', z.record(z.string(), z.union([z.number(), z.string().max(200)]))),
  reason: shaped('reason', text),
  reasons: shaped('reasons', z.union([texts, notNow])),
  stranded: shaped('list of what is stranded', z.union([stranded, notNow])),
  proof: shaped('proof', z.union([proof, notNow])),
  waiting: shaped('list of what waits', z.union([waiting, notNow])),
  isolationEnd: shaped('account of what was ended', isolationEnd),
} satisfies Readonly<Record<string, Problem>>;

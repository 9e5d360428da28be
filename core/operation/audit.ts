/**
 * The audit record of a mutation. It is written in the commit that it describes, so there is no change
 * without a record, and its presence tells whether a commit with a lost answer was done. Uploads and downloads
 * have one as well (`stream-record.ts`).
 * @module
 */
import { z } from 'zod';
import { defineKind } from '../model/kind.ts';
import type { Write } from '../store/documents.ts';

export const auditSpec = z.strictObject({
  atMs: z.int(),
  actor: z.string(),
  role: z.string(),
  via: z.string(),
  operation: z.string(),
  /** The input, secrets replaced by `***`. */
  input: z.unknown(),
  /** `vm web1 created`, one line a document. */
  changes: z.array(z.string()),
  tasks: z.array(z.string()),
});
export type AuditSpec = z.infer<typeof auditSpec>;

export const audit = defineKind<AuditSpec, null>({
  name: 'audit',
  plural: 'audit records',
  version: 1,
  id: z.string().regex(/^[0-9a-z]{12,26}$/, 'an audit id is 12 to 26 of 0-9 and a-z'),
  spec: auditSpec,
  status: z.null(),
  label: (spec) => spec.operation,
});

const verb = {
  create: 'created',
  spec: 'changed',
  status: 'status changed',
  remove: 'removed',
  unchanged: 'looked at',
  touch: 'looked at',
} as const;

/** What is recorded of a plan: a line for each write that changes an object. */
export const changeLines = (writes: readonly Write[]): string[] =>
  writes
    .filter((write) => write.do !== 'unchanged' && write.do !== 'touch' && write.kind.bookkeeping !== true)
    .map(writeLine);

/** One line for a write: `vm web1 created`. */
function writeLine(write: Write): string {
  const spec = write.do === 'create' || write.do === 'spec' ? write.spec : write.before.spec;
  const id = write.do === 'create' ? write.id : write.before.id;
  return `${write.kind.name} ${write.kind.label?.(spec) ?? id} ${verb[write.do]}`;
}

/** The input as it may be recorded: no secrets, and long texts shortened to their size. */
export function recordableInput(
  operation: { readonly secrets?: readonly string[] },
  input: Record<string, unknown>,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(input).map(([field, value]) => {
      if (operation.secrets?.includes(field)) return [field, '***'];
      if (typeof value === 'string' && value.length > 1024) return [field, `(${value.length} characters)`];
      return [field, value];
    }),
  );
}

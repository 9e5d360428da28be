/** A token: lets its bearer in over HTTPS with a role. The secret itself is stored nowhere. @module */
import { z } from 'zod';
import { defineKind } from '../model/kind.ts';
import { nodeName, tagName } from '../model/names.ts';
import { roles } from '../operation/operation.ts';

export const tokenSpec = z.strictObject({
  name: tagName,
  role: z.enum(roles),
  /** SHA-256 of the secret, hexadecimal. The secret has 256 random bits: no slow hash is needed. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  createdMs: z.int(),
  createdBy: z.string(),
  /** Refused from then on. */
  expiresMs: z.int().optional(),
  /** What a token of the role `join` is for, and which machine has used it. */
  join: z
    .strictObject({
      role: z.enum(['coordinator', 'hypervisor']),
      /** Only a machine of this name. */
      node: nodeName.optional(),
      /** That machine may be the node of its name already: one that keeps nothing over a boot joins anew each time. */
      again: z.boolean().optional(),
      used: z.strictObject({ node: nodeName, key: z.string(), atMs: z.int() }).optional(),
    })
    .optional(),
});
export type TokenSpec = z.infer<typeof tokenSpec>;

export const token = defineKind<TokenSpec, null>({
  name: 'token',
  plural: 'tokens',
  version: 1,
  id: z.string().regex(/^[0-9a-z]{12}$/, 'a token id is 12 of 0-9 and a-z'),
  spec: tokenSpec,
  status: z.null(),
  unique: (spec) => ({ name: [spec.name] }),
  label: (spec) => spec.name,
});

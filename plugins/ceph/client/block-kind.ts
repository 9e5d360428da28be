/** A node whose clients Ceph refuses. @module */
import { defineErrors, defineKind, names, z } from '../../../core/plugin/api.ts';

export const blockSpec = z.strictObject({
  /** On the storage network. */
  address: z.union([z.ipv4(), z.ipv6()]),
  createdMs: z.int(),
  /** The life of the machine that is blocked: once it has booted anew, nothing of that life runs. */
  bootId: z.string().optional(),
  /** What Ceph was seen to say; absent: it is not known to be blocked. */
  proof: z.strictObject({ range: z.string(), untilMs: z.int(), epoch: z.int(), readMs: z.int() }).optional(),
});
export type BlockSpec = z.infer<typeof blockSpec>;

export const storageBlock = defineKind<BlockSpec, null>({
  name: 'storage-block',
  plural: 'storage-blocks',
  version: 1,
  id: names.nodeName,
  spec: blockSpec,
  status: z.null(),
  command: 'storage block',
});

export const blockError = defineErrors({
  BLOCK_NO_ADDRESS: {
    message: 'It is not known which address the node {node} has on the storage network.',
    hint: 'Each node tells it by itself once it runs: see `pvc node info {node}`.',
    http: 409,
    exit: 'refused',
  },
  BLOCK_PRIMARY: {
    message: 'The node {node} is the primary: blocked, it could not look after the storage any more.',
    hint: 'Make another one primary first: `pvc node secondary {node}`. Nothing was changed.',
    http: 409,
    exit: 'refused',
  },
  BLOCK_GUESTS: {
    message: '{guests} guests run on {node}, which answers.',
    hint: 'Each would lose its disks. Move them first (`pvc node flush {node}`), or use --force. Nothing was changed.',
    http: 409,
    exit: 'refused',
  },
  BLOCK_USED: {
    message: 'The node {node} is not let in again: {reason}.',
    hint: 'Its guests that have lost their volumes are ended first: see `pvc vm list --node {node}`. It is still blocked.',
    http: 409,
    exit: 'refused',
  },
  BLOCK_NOT_FOUND: {
    message: 'The node {node} is not blocked.',
    hint: 'See `pvc storage block list`.',
    http: 404,
    exit: 'notFound',
  },
});

/** The key of the cluster by which tokens are sealed: made when the first is asked for, and the same on every node. @module */
import { defineKind, PvcError, type Runtime, z } from '../../../../core/plugin/api.ts';

const keyId = 'tokens';
const keyBytes = 32;

export const metadataKey = defineKind<{ key: string }, null>({
  name: 'metadata-key',
  plural: 'metadata-keys',
  version: 1,
  id: z.literal(keyId),
  /** Base64. */
  spec: z.strictObject({ key: z.base64() }),
  status: z.null(),
  bookkeeping: true,
});

type Parts = Pick<Runtime, 'documents' | 'write'> & { readonly host: Pick<Runtime['host'], 'random'> };

/** @throws PvcError what the store throws */
export async function keyOf({ documents, write, host }: Parts): Promise<Uint8Array> {
  const known = await documents.get(metadataKey, keyId);
  if (known !== undefined) return Buffer.from(known.spec.key, 'base64');
  const key = host.random.bytes(keyBytes);
  try {
    await write([{ do: 'create', kind: metadataKey, id: keyId, spec: { key: Buffer.from(key).toString('base64') } }]);
    return key;
  } catch (error) {
    // Another node was faster.
    const other = error instanceof PvcError ? await documents.get(metadataKey, keyId) : undefined;
    if (other === undefined) throw error;
    return Buffer.from(other.spec.key, 'base64');
  }
}

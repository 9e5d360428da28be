/** Which zones are signed, by which keys; and their private halves. @module */
import { defineKind, names, z } from '../../../core/plugin/api.ts';
import { domainName } from '../zone/dns-name.ts';
import { privateKeyText, publicKeyText } from './zone-key.ts';

/** Two: while the parent zone goes over from one to the other. */
export const mostKeys = 2;

const signingSpec = z.strictObject({
  /** The network by which it was signed. */
  network: names.objectName,
  /** All of them sign, the oldest first. */
  keys: z
    .array(z.strictObject({ publicKey: publicKeyText, sinceMs: z.int() }))
    .min(1)
    .max(mostKeys),
});
export type SigningSpec = z.output<typeof signingSpec>;

/** A signed zone, by its name without the dot at its end. What is in here is told to everybody by DNS itself. */
export const dnsSigning = defineKind<SigningSpec, null>({
  name: 'dns-signing',
  plural: 'dns-signings',
  version: 1,
  id: domainName,
  spec: signingSpec,
  status: z.null(),
  command: 'network dns',
  // Its keys are named in a zone outside of the cluster: it does not go by the way with its network.
  refers: ({ network }) => [{ kind: 'network', name: network }],
});

/**
 * The private half of a key, by `keyIdOf` of the public one. Bookkeeping: neither plans nor events nor audit records show
 * it, and no operation reads it.
 */
export const dnsKey = defineKind<{ privateKey: string }, null>({
  name: 'dns-key',
  plural: 'dns-keys',
  version: 1,
  id: z.string().regex(/^[0-9a-f]{32}$/),
  spec: z.strictObject({ privateKey: privateKeyText }),
  status: z.null(),
  bookkeeping: true,
});

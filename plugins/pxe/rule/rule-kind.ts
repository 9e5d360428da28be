/** By which discovered machines are accepted without anybody looking: what they are, and what they become. @module */
import { defineErrors, defineKind, names, z } from '../../../core/plugin/api.ts';
import { diskWish } from '../machine/disk-wish.ts';
import { hostAddress } from '../machine/machine-kind.ts';

/** Text with `*` for anything, as a machine's firmware tells it; upper and lower case are the same. */
const pattern = z
  .string()
  .trim()
  .min(1)
  .max(128)
  .regex(/^[\x20-\x7e]+$/, 'plain text, with * for anything');

/** `hv#`: the number signs stand for a number, with as many digits at least. */
export const namePattern = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]*#{1,4}$/, 'a name that ends with a # for its number, as hv# or node-##')
  .max(59);

/** The beginning of a MAC address, which tells its maker: whole bytes. */
const macPrefix = z
  .string()
  .trim()
  .toLowerCase()
  .regex(/^[0-9a-f]{2}(?::[0-9a-f]{2}){0,5}$/, 'the beginning of a MAC address, as 3c:ec:ef');

export const ruleSpec = z.strictObject({
  /** What is not there may be anything; all that is there must be so. */
  match: z.strictObject({
    mac: macPrefix.optional(),
    manufacturer: pattern.optional(),
    product: pattern.optional(),
    serial: pattern.optional(),
    minMemoryMiB: z.int().min(1).optional(),
  }),
  name: namePattern,
  addresses: z.strictObject({ from: hostAddress, to: hostAddress }),
  /** Disks of each that become part of the storage. */
  take: diskWish.shape.take.optional(),
});
export type RuleSpec = z.output<typeof ruleSpec>;

/** Its id is its name; of several that fit the first by name counts. */
export const machineRule = defineKind<RuleSpec, null>({
  name: 'machine-rule',
  plural: 'machine-rules',
  command: 'provisioner rule',
  version: 1,
  id: names.objectName,
  spec: ruleSpec,
  status: z.null(),
});

export const ruleError = defineErrors({
  RULE_EXISTS: {
    message: 'There is already a rule {rule}.',
    hint: 'See `pvc provisioner rule list`; remove it first to make it anew. Nothing was changed.',
    http: 409,
    exit: 'conflict',
  },
  RULE_MATCHES_ALL: {
    message: 'The rule {rule} says nothing of the machines that it accepts: it would accept all.',
    hint: 'Give at least one of --mac, --manufacturer, --product, --serial, --min-memory. Nothing was changed.',
    http: 422,
    exit: 'usage',
  },
  RULE_ADDRESSES: {
    message: 'The rule {rule} cannot give addresses of {from} to {to}: {reason}.',
    hint: 'Take free addresses of the cluster network: `pvc cluster status` shows it, `pvc node list` who has which. Nothing was changed.',
    http: 422,
    exit: 'usage',
  },
  RULE_EXHAUSTED: {
    message: 'The rule {rule} accepts the machine {mac}, and has no free address for it.',
    hint: 'Make the rule anew with more of them, or accept the machine by hand: `pvc provisioner machine accept {mac} --name NAME --address ADDRESS`.',
    http: 409,
    exit: 'refused',
  },
});

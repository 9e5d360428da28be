/** How a caller says what a network card is kept to. @module */
import { addressText, z } from '../../../core/plugin/api.ts';
import { isRate, type NicGuard, rateHelp, rateInKBps, rateText } from '../domain/nic-guard.ts';
import { hostAddress, mostOwnAddresses, type Nic } from '../schema.ts';
import { vmError } from '../vm-kind.ts';

const rate = z.string().refine(isRate, rateHelp);
const rateOrNone = z.string().refine((text) => text === 'none' || isRate(text), `${rateHelp}; or none`);
const [limitIn, limitOut] = ['most that comes to the guest, as 100mbit', 'most that the guest sends, as 100mbit'];
const antiSpoof = 'it sends only under its own MAC and IP addresses';
const address = z
  .array(hostAddress)
  .max(mostOwnAddresses)
  .optional()
  .describe('with --anti-spoof, an IP address of its own beside those by DHCP; may be repeated');

/** Of a new card. */
export const newGuardInput = {
  limitIn: rate.optional().describe(`${limitIn} (no limit)`),
  limitOut: rate.optional().describe(`${limitOut} (no limit)`),
  antiSpoof: z.boolean().default(false).describe(antiSpoof),
  address,
};

/** Of a card that is there: what is not said stays. */
export const changedGuardInput = {
  limitIn: rateOrNone.optional().describe(`${limitIn}; none takes the limit away`),
  limitOut: rateOrNone.optional().describe(`${limitOut}; none takes the limit away`),
  antiSpoof: z.boolean().optional().describe(antiSpoof),
  address,
};

export const guardOptions = {
  limitIn: { value: 'RATE' },
  limitOut: { value: 'RATE' },
  address: { value: 'ADDRESS' },
} as const;

interface GuardInput {
  readonly limitIn?: string | undefined;
  readonly limitOut?: string | undefined;
  readonly antiSpoof?: boolean | undefined;
  readonly address?: readonly string[] | undefined;
}

const limitOf = (asked: string | undefined, before: number | undefined): number | undefined => {
  if (asked === undefined) return before;
  return asked === 'none' ? undefined : rateInKBps(asked);
};

/**
 * What a card is kept to from now on: as before, but for what is asked.
 * @throws PvcError VM_NIC_GUARD: it is no card on a network of the cluster, or has addresses without anti-spoofing
 */
export function guardAsAsked(source: Nic['source'], before: NicGuard, input: GuardInput): NicGuard {
  const inKBps = limitOf(input.limitIn, before.limits?.inKBps);
  const outKBps = limitOf(input.limitOut, before.limits?.outKBps);
  const limits = { ...(inKBps === undefined ? {} : { inKBps }), ...(outKBps === undefined ? {} : { outKBps }) };
  const guarded = input.antiSpoof ?? before.antiSpoof !== undefined;
  if (input.address !== undefined && !guarded)
    throw vmError('VM_NIC_GUARD', { reason: 'addresses of its own mean nothing without anti-spoofing (--anti-spoof)' });
  const addresses = [...new Set((input.address ?? before.antiSpoof?.addresses ?? []).map(addressText))];
  const guard: NicGuard = {
    ...(Object.keys(limits).length === 0 ? {} : { limits }),
    ...(guarded ? { antiSpoof: { addresses } } : {}),
  };
  if (source.type !== 'network' && Object.keys(guard).length > 0)
    throw vmError('VM_NIC_GUARD', { reason: 'limits and anti-spoofing are for cards on a network of the cluster' });
  return guard;
}

/** For plans. */
export const guardText = ({ limits, antiSpoof: guarded }: NicGuard): string =>
  [
    `limit in ${rateText(limits?.inKBps)}`,
    `limit out ${rateText(limits?.outKBps)}`,
    guarded === undefined ? 'no anti-spoofing' : ['anti-spoofing', ...guarded.addresses].join(' '),
  ].join(', ');

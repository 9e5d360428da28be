/** Addresses kept for network cards: add and remove. @module */
import { defineMutation, names, type Runtime, z } from '../../../core/plugin/api.ts';
import { dhcp, dhcpError, networkName } from '../settings/dhcp-kind.ts';
import { reservationProblem } from '../settings/fit.ts';
import { needNetwork, needSettings } from '../settings/lookup.ts';
import { networkArgument } from '../settings/settings-operations.ts';
import { hostName, type ReservationSpec, reservation, reservationId, reservationsOf } from './reservation-kind.ts';

const answer = z.object({
  network: z.string(),
  mac: z.string(),
  address: z.string(),
  hostname: z.string().nullable(),
});

/** @throws PvcError DHCP_RESERVED */
function refuseTaken(wanted: ReservationSpec, others: readonly ReservationSpec[]): void {
  const { network, mac, address, hostname } = wanted;
  for (const other of others) {
    const what =
      (other.mac === mac && `the address ${other.address}`) ||
      (other.address === address && `the address ${address}`) ||
      (hostname !== null && other.hostname === hostname && `the name ${hostname}`);
    if (what) throw dhcpError('DHCP_RESERVED', { network, what, mac: other.mac });
  }
}

export function reservationOperations(runtime: () => Runtime) {
  return [
    defineMutation({
      name: 'network.dhcp-add',
      summary: 'Keep an address of a network for one network card',
      description:
        'The card gets this address whenever it asks, and nobody else does. Where it has another one now, it changes when its lease ends or the guest starts again.',
      http: { method: 'POST', path: '/networks/{network}/dhcp/reservations' },
      cli: {
        command: 'network dhcp add',
        arguments: [networkArgument, { field: 'mac' }, { field: 'address' }],
        options: { hostname: { value: 'NAME' } },
        examples: ['pvc network dhcp add office 52:54:00:12:34:56 10.20.0.10 --hostname web1'],
      },
      role: 'admin',
      input: z.strictObject({
        network: networkName,
        mac: names.macAddress.describe('MAC address of the card'),
        address: z.ipv4().describe('address that it gets'),
        hostname: hostName.optional().describe('name that the guest is told, and known by'),
      }),
      output: answer,
      async plan(plan, { view }, input) {
        const network = await needNetwork(runtime(), input.network);
        const settings = await needSettings(view, network);
        const reason = reservationProblem(input.address, network);
        if (reason !== undefined) throw dhcpError('DHCP_INVALID', { network: input.network, reason });
        const spec: ReservationSpec = {
          network: input.network,
          instance: settings.spec.instance,
          mac: input.mac,
          address: input.address,
          hostname: input.hostname ?? null,
        };
        refuseTaken(spec, reservationsOf(await view.list(reservation), spec.instance));
        const id = reservationId(settings.id, input.mac);
        // One of earlier settings may not have been cleared away yet.
        const stale = await view.get(reservation, id);
        if (stale === undefined) plan.create(reservation, id, spec);
        else plan.update(reservation, stale, spec);
        plan.unchanged(dhcp, settings);
        plan.act(`keep ${spec.address} in ${spec.network} for ${spec.mac}`);
        return spec;
      },
    }),
    defineMutation({
      name: 'network.dhcp-remove',
      summary: 'Keep an address no longer',
      http: { method: 'DELETE', path: '/networks/{network}/dhcp/reservations/{mac}' },
      cli: {
        command: 'network dhcp remove',
        aliases: ['rm'],
        arguments: [networkArgument, { field: 'mac' }],
        confirm: 'Keep no address in {network} for {mac} any more?',
      },
      role: 'admin',
      input: z.strictObject({ network: networkName, mac: names.macAddress.describe('MAC address of the card') }),
      output: answer,
      async plan(plan, { view }, input) {
        const settings = await needSettings(view, await needNetwork(runtime(), input.network));
        const doc = await view.get(reservation, reservationId(settings.id, input.mac));
        if (doc === undefined || doc.spec.instance !== settings.spec.instance)
          throw dhcpError('DHCP_NOT_RESERVED', { network: input.network, mac: input.mac });
        plan.remove(reservation, doc);
        plan.act(`give ${doc.spec.address} in ${input.network} to whoever asks`);
        return doc.spec;
      },
    }),
  ];
}

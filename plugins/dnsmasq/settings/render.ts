/** DHCP settings as people read them. @module */
import { fields, formatDuration, type RenderContext } from '../../../core/plugin/api.ts';
import type { Range } from './dhcp-kind.ts';
import type { DhcpInfo } from './settings-operations.ts';

const shown = (values: readonly string[], none: string): string => (values.length === 0 ? none : values.join(', '));
const rangeText = ({ from, to }: Range): string => `${from}-${to}`;

export const renderSettings = (info: DhcpInfo, context: RenderContext): string =>
  fields(
    [
      ['Network', info.network],
      ['Ranges', shown(info.ranges.map(rangeText), 'none: reservations only')],
      ['IPv6', info.ipv6Range === null ? info.ipv6 : `${info.ipv6}, ${rangeText(info.ipv6Range)}`],
      ['Lease time', formatDuration(info.leaseTimeS * 1000)],
      ['Name servers', shown(info.dns, 'the gateway')],
      ['Time servers', shown(info.ntp, 'none')],
      ['Routes', info.routes.length === 0 ? undefined : info.routes.map(({ to, via }) => `${to} by ${via}`).join(', ')],
      ['Boot', info.boot === null ? undefined : `${info.boot.file} of ${info.boot.server}`],
      ['Leases', info.leases],
      ['Reservations', info.reservations],
    ],
    context,
  );

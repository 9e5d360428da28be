/** Machines as people read them. @module */
import {
  fields,
  formatAgo,
  formatInstant,
  formatMiB,
  formatTime,
  page,
  paintState,
  type RenderContext,
  section,
  table,
} from '../../../core/plugin/api.ts';
import type { MachineInfo, MachineRow } from './machine-operations.ts';

const modelOf = ({ hardware }: Pick<MachineRow, 'hardware'>): string | null => {
  const words = [hardware?.manufacturer, hardware?.product].filter((word) => typeof word === 'string' && word !== '');
  return words.length === 0 ? null : words.join(' ');
};

const memoryOf = ({ hardware }: Pick<MachineRow, 'hardware'>): string | null =>
  typeof hardware?.memoryMiB === 'number' ? formatMiB(hardware.memoryMiB) : null;

const stateText = ({ state, reason }: Pick<MachineRow, 'state' | 'reason'>): string =>
  reason === '' ? state : `${state}: ${reason}`;

export const renderMachines = (rows: readonly MachineRow[], context: RenderContext): string =>
  table(
    [
      { title: 'MAC', keep: true },
      { title: 'NAME', keep: true },
      { title: 'STATE', state: true },
      'ADDRESS',
      'MODEL',
      'MEMORY',
      { title: 'SEEN', optional: true },
    ],
    rows.map((row) => [
      row.mac,
      row.name,
      stateText(row),
      row.address,
      modelOf(row),
      memoryOf(row),
      row.seenMs === null ? 'never' : formatAgo(row.seenMs, context.nowMs),
    ]),
    context,
  );

export function renderMachine(info: MachineInfo, context: RenderContext): string {
  const { hardware, boots } = info;
  const list = (title: string, lines: readonly string[]) =>
    lines.length === 0 ? undefined : section(title, () => lines.join('\n'), context);
  return page(
    fields(
      [
        ['MAC', info.mac],
        ['Name', info.name ?? 'none yet'],
        ['Address', info.address ?? 'none yet'],
        ['UUID', info.uuid ?? hardware?.uuid ?? 'not known'],
        ['State', paintState(stateText(info), context)],
        info.sinceMs === null ? undefined : ['Since', formatTime(info.sinceMs, context.nowMs)],
        ['Seen', info.seenMs === null ? 'never' : formatTime(info.seenMs, context.nowMs)],
        ['Accepted', info.attempt === 0 ? 'no' : info.attempt === 1 ? 'once' : `${info.attempt} times`],
        info.failures === 0 ? undefined : ['Failed boots', info.failures],
        ['Model', modelOf(info)],
        ['Serial number', hardware?.serial],
        ['Memory', memoryOf(info)],
        info.bmc === null ? undefined : ['BMC', info.bmc],
        info.osd === null ? undefined : ['OSDs', `${info.osd}${info.osdDone ? ' (done)' : ''}`],
      ],
      context,
    ),
    list('Disks', hardware?.disks ?? []),
    list(
      'Disks for the storage',
      info.disks.map(({ disk, state, text }) => `${disk}  ${state}: ${text}`),
    ),
    list('Cards', hardware?.nics ?? []),
    ...boots.toReversed().map(({ startedMs, firmware, log }) =>
      list(
        `Boot of ${formatInstant(startedMs)} (${firmware === 'efi' ? 'UEFI' : 'BIOS'})`,
        log.map(({ atMs, text }) => `${formatInstant(atMs)}  ${text}`),
      ),
    ),
  );
}

/** How guests read for a person. @module */
import {
  fields,
  formatAgo,
  formatBytes,
  formatDuration,
  formatMiB,
  page,
  paintState,
  type RenderContext,
  section,
  table,
} from '../../../core/plugin/api.ts';
import type { VmInfo, VmRow, VmStats } from './query.ts';

export function renderVmList(rows: VmRow[], context: RenderContext): string {
  return table(
    [
      { title: 'NAME', keep: true },
      { title: 'STATE', state: true, keep: true },
      'NODE',
      { title: 'VCPUS', align: 'right' },
      { title: 'MEMORY', align: 'right' },
      'NETWORKS',
      { title: 'DISKS', align: 'right' },
      'TAGS',
      'NOTE',
    ],
    rows.map((one) => [
      one.name,
      one.state,
      one.node,
      one.vcpus,
      formatMiB(one.memoryMiB),
      one.networks.join(' '),
      one.disks,
      one.tags.join(' '),
      one.problem ??
        (one.run === 'running' && one.state !== 'running'
          ? `meant to be running (${one.reason})`
          : one.run === 'disabled'
            ? 'disabled'
            : ''),
    ]),
    context,
  );
}

/** Equal words once, with how many there are of them. */
function counted(words: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].map(([word, count]) => (count === 1 ? word : `${count} × ${word}`));
}

const intent = (info: VmInfo): string | undefined =>
  (info.run === 'running' && info.state === 'running') || (info.run === 'stopped' && info.state === 'stopped')
    ? undefined
    : `meant to be ${info.run}`;

export function renderVm(info: VmInfo, context: RenderContext): string {
  const since = info.sinceMs === null ? '' : `, since ${formatAgo(info.sinceMs, context.nowMs)}`;
  return page(
    fields(
      [
        ['Name', info.name],
        ['UUID', info.uuid],
        info.description === '' ? undefined : ['Description', info.description],
        ['State', `${paintState(info.state, context)}${info.reason === '' ? '' : ` (${info.reason})`}${since}`],
        ['Intent', intent(info)],
        info.ends === null
          ? undefined
          : [
              'Ended by itself',
              `${info.ends.count === 1 ? 'once' : `${info.ends.count} times`} of late, last ${formatAgo(info.ends.lastMs, context.nowMs)} (${info.ends.reason})`,
            ],
        info.givenUp.length === 0
          ? undefined
          : [
              'Given up on',
              info.givenUp.map(({ node, ends, reason }) => `${node} (${ends} ends, ${reason})`).join(', '),
            ],
        ['Node', info.home === null ? info.node : `${info.node} (home: ${info.home})`],
        ...(info.movingTo === null ? [] : ([['Moving to', info.movingTo]] as const)),
        ...(info.arrived === null || info.arrived === undefined
          ? []
          : ([
              [
                'Arrived',
                `from ${info.arrived.from}, ${formatAgo(info.arrived.atMs, context.nowMs)}${info.arrived.pauseMs === undefined ? '' : `, after a pause of ${info.arrived.pauseMs} ms`}`,
              ],
            ] as const)),
        ['Accelerator', info.runsWith === null ? info.accelerator : `${info.runsWith} (asked: ${info.accelerator})`],
        ['vCPUs', `${info.vcpus} (sockets/cores/threads ${info.topology}), ${info.cpu.model ?? info.cpu.mode}`],
        ['Memory', formatMiB(info.memoryMiB)],
        ['Machine', `${info.arch ?? '?'}, ${info.machine ?? 'default'}, ${info.firmware}`],
        [
          'Boot',
          info.kernel === null
            ? info.boot.join(', ')
            : `kernel ${info.kernel.path}${info.kernel.initrd === null ? '' : `, initrd ${info.kernel.initrd}`}`,
        ],
        info.kernel?.cmdline == null ? undefined : ['Command line', info.kernel.cmdline],
        ['Features', info.features.join(' ')],
        ['Clock', info.clock],
        ['VNC', info.vnc === null ? null : `${info.vnc.listen}:${info.vnc.port}`],
        ['Guest agent', info.agent],
        ['Tags', info.tags.map((tag) => (tag.protected ? `${tag.name} (protected)` : tag.name)).join(', ')],
        ['Autostart', info.autostart],
        ['Priority', info.priority],
        ['Protected', info.protected],
        ['May run on', info.limit.length === 0 ? 'any node' : info.limit.join(', ')],
        ['Placed by', info.selector],
        ['Migration', `${info.migration.method}, pause at most ${info.migration.maxDowntimeMs} ms`],
        ['Shutdown', `${info.shutdown.timeoutS} s, then ${info.shutdown.then}`],
        [
          'When it ends by itself',
          info.restart.then === 'again'
            ? 'started again'
            : `started again ${info.restart.tries} times, then ${info.restart.then === 'move' ? 'moved on' : 'failed'}`,
        ],
        ['Version', info.version],
      ],
      context,
    ),
    section(
      'Network cards',
      (inner) =>
        info.networks.length === 0
          ? 'none'
          : table(
              ['TYPE', 'SOURCE', 'MAC', 'MODEL', 'LINK'],
              info.networks.map((one) => [one.type, one.source, one.mac, one.model, one.link]),
              inner,
            ),
      context,
    ),
    section(
      'Disks',
      (inner) =>
        info.disks.length === 0
          ? 'none'
          : table(
              ['DEVICE', 'KIND', 'BUS', 'FORMAT', 'SOURCE', 'READ ONLY'],
              info.disks.map((one) => [one.dev, one.device, one.bus, one.format, one.name ?? '(empty)', one.readonly]),
              inner,
            ),
      context,
    ),
    info.controllers.length === 0
      ? undefined
      : section(
          'Controllers',
          counted(info.controllers.map((one) => (one.model === null ? one.type : `${one.type} (${one.model})`))).join(
            ', ',
          ),
          context,
        ),
    info.hostdevs.length === 0
      ? undefined
      : section('Host devices', info.hostdevs.map((one) => `${one.type} ${one.source}`).join('\n'), context),
    info.restartNeeded.length === 0
      ? undefined
      : section('Takes effect at the next restart', info.restartNeeded.join('\n'), context),
    info.notes.length === 0 ? undefined : section('Changed by the node to run it', info.notes.join('\n'), context),
    info.conditions.length === 0
      ? undefined
      : section(
          'Problems',
          info.conditions
            .map((one) => `${one.message} (since ${formatAgo(one.sinceMs, context.nowMs)}; tried again by itself)`)
            .join('\n'),
          context,
        ),
  );
}

const kiB = (size: number | null): string | null => (size === null ? null : formatBytes(size * 1024));

export function renderVmStats(stats: VmStats, context: RenderContext): string {
  return page(
    section(
      'Use',
      (inner) =>
        fields(
          [
            ['CPU time', formatDuration(stats.cpuSeconds * 1000)],
            ['Memory', `${kiB(stats.memoryKiB.current) ?? '?'} of ${kiB(stats.memoryKiB.maximum) ?? '?'}`],
            ['Held on the node', kiB(stats.memoryKiB.rss)],
            ['Unused in the guest', kiB(stats.memoryKiB.unused)],
          ],
          inner,
        ),
      context,
    ),
    stats.interfaces.length === 0
      ? undefined
      : section(
          'Traffic',
          (inner) =>
            table(
              [
                'DEVICE',
                { title: 'RECEIVED', align: 'right' },
                { title: 'PACKETS', align: 'right' },
                { title: 'SENT', align: 'right' },
                { title: 'PACKETS', align: 'right' },
                { title: 'ERRORS', align: 'right' },
                { title: 'DROPS', align: 'right' },
              ],
              stats.interfaces.map((one) => [
                one.name,
                formatBytes(one.rxBytes),
                one.rxPackets,
                formatBytes(one.txBytes),
                one.txPackets,
                one.rxErrors + one.txErrors,
                one.rxDrops + one.txDrops,
              ]),
              inner,
            ),
          context,
        ),
    stats.disks.length === 0
      ? undefined
      : section(
          'Disk traffic',
          (inner) =>
            table(
              [
                'DEVICE',
                { title: 'READS', align: 'right' },
                { title: 'READ', align: 'right' },
                { title: 'WRITES', align: 'right' },
                { title: 'WRITTEN', align: 'right' },
              ],
              stats.disks.map((one) => [
                one.name,
                one.readRequests,
                formatBytes(one.readBytes),
                one.writeRequests,
                formatBytes(one.writeBytes),
              ]),
              inner,
            ),
          context,
        ),
  );
}

/** Metrics of the guests of this node, all read by one call to libvirt at each scrape. @module */
import type { MetricDefinition, MetricSample } from '../../core/plugin/api.ts';
import type { GuestControl } from './guest-control.ts';
import type { DomainStats } from './rpc/domain-stats.ts';

/** Scrapes read every metric in a row; one answer of libvirt serves them all. */
const shareMs = 1_000;

export function guestMetrics(control: GuestControl): MetricDefinition[] {
  let shared: { readonly atMs: number; readonly stats: Promise<DomainStats[]> } | undefined;
  const all = (): Promise<DomainStats[]> => {
    const nowMs = control.nowMs();
    if (shared === undefined || nowMs - shared.atMs > shareMs)
      shared = { atMs: nowMs, stats: control.link.connected ? control.link.driver.stats() : Promise.resolve([]) };
    return shared.stats;
  };
  const perGuest = (read: (stats: DomainStats) => number | undefined) => async (): Promise<MetricSample[]> =>
    (await all()).flatMap((stats) => {
      const value = read(stats);
      return value === undefined ? [] : [{ value, labels: { vm: stats.name, uuid: stats.uuid } }];
    });
  const labels = ['vm', 'uuid'];
  const perPart =
    <P extends { readonly name: string }>(parts: (stats: DomainStats) => readonly P[], read: (part: P) => number) =>
    async (): Promise<MetricSample[]> =>
      (await all()).flatMap((stats) =>
        parts(stats).map((part) => ({
          value: read(part),
          labels: { vm: stats.name, uuid: stats.uuid, device: part.name },
        })),
      );
  const partLabels = [...labels, 'device'];
  return [
    {
      name: 'pvc_libvirt_connected',
      help: 'Whether libvirt answers (1) or not (0).',
      type: 'gauge',
      labels: [],
      collect: () => [{ value: control.link.connected ? 1 : 0 }],
    },
    {
      name: 'pvc_vm_running',
      help: 'Whether the guest runs (1) or is paused or ending (0).',
      type: 'gauge',
      labels,
      collect: perGuest((stats) => (stats.state === 'running' || stats.state === 'blocked' ? 1 : 0)),
    },
    {
      name: 'pvc_vm_cpu_seconds_total',
      help: 'CPU time used by the guest and for it.',
      type: 'counter',
      labels,
      collect: perGuest((stats) => (stats.cpu === undefined ? undefined : stats.cpu.timeNs / 1e9)),
    },
    {
      name: 'pvc_vm_memory_bytes',
      help: 'Memory that the guest has now.',
      type: 'gauge',
      labels,
      collect: perGuest((stats) => (stats.balloon === undefined ? undefined : stats.balloon.currentKiB * 1024)),
    },
    {
      name: 'pvc_vm_memory_resident_bytes',
      help: 'Memory of the node that the guest holds.',
      type: 'gauge',
      labels,
      collect: perGuest((stats) => (stats.balloon?.rssKiB === undefined ? undefined : stats.balloon.rssKiB * 1024)),
    },
    {
      name: 'pvc_vm_network_receive_bytes_total',
      help: 'Bytes received by a network card.',
      type: 'counter',
      labels: partLabels,
      collect: perPart(
        (stats) => stats.interfaces,
        (part) => part.rxBytes,
      ),
    },
    {
      name: 'pvc_vm_network_transmit_bytes_total',
      help: 'Bytes sent by a network card.',
      type: 'counter',
      labels: partLabels,
      collect: perPart(
        (stats) => stats.interfaces,
        (part) => part.txBytes,
      ),
    },
    {
      name: 'pvc_vm_disk_read_bytes_total',
      help: 'Bytes read from a disk.',
      type: 'counter',
      labels: partLabels,
      collect: perPart(
        (stats) => stats.blocks,
        (part) => part.readBytes,
      ),
    },
    {
      name: 'pvc_vm_disk_written_bytes_total',
      help: 'Bytes written to a disk.',
      type: 'counter',
      labels: partLabels,
      collect: perPart(
        (stats) => stats.blocks,
        (part) => part.writeBytes,
      ),
    },
  ];
}

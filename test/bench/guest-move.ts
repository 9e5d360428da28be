/**
 * What a live move by PVC takes beside libvirt's own: the same small guest is moved by libvirt alone, over the same
 * TLS and with the same limits, and by the product, in turns; and how long a guest stands still.
 * @module
 */

import { peerOf } from '../../plugins/libvirt/peer-access.ts';
import { guestDirectory } from '../lab/boot-script.ts';
import { addressOf, nodeOf } from '../lab/topology.ts';
import type { ClusterLab } from './cluster-lab.ts';
import { type Figure, median, numberText } from './figure.ts';

const way = ['hv2', 'hv3', 'hv1', 'hv2', 'hv3', 'hv1', 'hv2', 'hv3', 'hv1'];
const memoryMiB = 160;
/** As `vm.migrate` asks libvirt by default. */
const maxDowntimeMs = 300;

export async function moveFigures(lab: ClusterLab, area: string): Promise<Figure[]> {
  const client = await lab.client('hv1');
  const boot = ['--kernel', `${guestDirectory}/vmlinuz`, '--initrd', `${guestDirectory}/initrd`];
  const size = ['--memory', String(memoryMiB), '--graphics', 'none'];
  await lab.pvc('hv1', 'vm', 'create', 'mover', '--node', 'hv1', ...size, ...boot, '--start');
  const { uuid } = await client.call('vm.info', { vm: 'mover' });
  const { xml } = await client.call('vm.live-xml', { vm: 'mover' });
  const drivers = new Map(
    await Promise.all(['hv1', 'hv2', 'hv3'].map(async (node) => [node, await lab.driver(node)] as const)),
  );
  const on = (node: string) => drivers.get(node) ?? raise(`no connection to ${node}`);
  // As another guest, so that the daemons take no interest: neither its name nor its UUID nor its mark.
  const other = '00000000-0000-4000-8000-000000000002';
  const alone = xml
    .replaceAll(uuid, other)
    .replace('<name>mover</name>', '<name>alone</name>')
    .replace(/<metadata>.*?<\/metadata>/s, '');
  try {
    await on('hv1').create(alone);
    await settle();
    const libvirtMs: number[] = [];
    const productMs: number[] = [];
    const pauses: number[] = [];
    let at = 'hv1';
    for (const to of way) {
      const { uri, data } = peerOf('/var/lib/pvc')(addressOf(nodeOf(lab.record.topology, to), 'cluster'));
      let fromMs = performance.now();
      await on(at).migrateP2P(other, { destinationUri: uri, migrateUri: data, maxDowntimeMs, timeoutMs: 60_000 });
      libvirtMs.push(performance.now() - fromMs);
      fromMs = performance.now();
      const { tasks } = await client.call('vm.migrate', { vm: 'mover', node: to, method: 'live' });
      await client.wait(tasks[0] ?? '');
      productMs.push(performance.now() - fromMs);
      await settle();
      const { arrived } = await client.call('vm.info', { vm: 'mover' });
      if (typeof arrived?.pauseMs === 'number') pauses.push(arrived.pauseMs);
      at = to;
    }
    await on(at).destroy(other);
    return [
      {
        area,
        what: `live move of ${memoryMiB} MiB by libvirt alone`,
        value: median(libvirtMs),
        unit: 'ms',
        note: `median of ${libvirtMs.length}, most ${numberText(Math.max(...libvirtMs))} ms`,
      },
      {
        area,
        what: 'vm migrate, from request to end of its task',
        value: median(productMs),
        unit: 'ms',
        note: `median of ${productMs.length}, most ${numberText(Math.max(...productMs))} ms`,
      },
      {
        area,
        what: "added to libvirt's own",
        value: median(productMs) - median(libvirtMs),
        unit: 'ms',
        goal: '≤ 500 ms',
      },
      {
        area,
        what: 'guest stands still, as libvirt tells',
        value: median(pauses),
        unit: 'ms',
        note: `median of ${pauses.length}, most ${numberText(Math.max(...pauses))} ms`,
      },
    ];
  } finally {
    await Promise.all([...drivers.values()].map((driver) => driver.close()));
  }
}

/** The guests' kernels have time to do what they do after a start or a move. */
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 3_000));

function raise(text: string): never {
  throw new Error(text);
}

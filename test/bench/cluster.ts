/** A lab of three nodes: how long it takes to be there, to hand over, to fail over, to move a guest. */
import { setTimeout as delay } from 'node:timers/promises';
import { createClient } from '../../core/client/index.ts';
import { guestDirectory } from '../lab/boot-script.ts';
import { startDaemon } from '../lab/daemon.ts';
import { takeDown } from '../lab/down.ts';
import { execOn, pathOn } from '../lab/exec.ts';
import { switchPower } from '../lab/power.ts';
import { bringUp } from '../lab/up.ts';
import { type Figure, median, numberText } from './figure.ts';

const area = 'cluster of three';

/** Figures of a lab that is taken away again. */
export async function clusterFigures(signal: AbortSignal): Promise<Figure[]> {
  const lab = `bench-cluster-${process.pid}`;
  const figures: Figure[] = [];
  const now = (): number => performance.now();
  const fromMs = now();
  const record = await bringUp({ name: lab, nodes: 3, owned: true, signal });
  signal.addEventListener('abort', () => void takeDown(lab), { once: true });
  try {
    figures.push({
      area,
      what: 'nodes switched on until all run',
      value: (now() - fromMs) / 1000,
      unit: 's',
      note: 'goal 90',
    });
    const clientOf = async (node: string) => createClient({ socket: await pathOn(record, node, '/run/pvc/pvc.sock') });
    const pvc = (node: string, ...args: string[]) => execOn(record, node, ['pvc', ...args]);
    const client = await clientOf('hv1');
    const primary = async (): Promise<string | undefined> =>
      (await client.call('cluster.status', {})).primary ?? undefined;

    const handOvers: number[] = [];
    for (const to of ['hv2', 'hv3', 'hv1', 'hv2', 'hv1']) {
      const begin = now();
      await client.call('node.primary', { node: to });
      await client.call('cluster.primary', { is: to });
      handOvers.push(now() - begin);
    }
    figures.push({
      area,
      what: 'planned hand-over of the primary',
      value: median(handOvers),
      unit: 'ms',
      note: `of 5, most ${numberText(Math.max(...handOvers))} (goal 3000)`,
    });

    const boot = ['--kernel', `${guestDirectory}/vmlinuz`, '--initrd', `${guestDirectory}/initrd`];
    await pvc(
      'hv1',
      'vm',
      'create',
      'mover',
      '--node',
      'hv1',
      '--memory',
      '160',
      '--graphics',
      'none',
      ...boot,
      '--start',
    );
    await delay(8_000);
    const whole: number[] = [];
    const added: number[] = [];
    const pauses: number[] = [];
    for (const to of ['hv2', 'hv3', 'hv1', 'hv2', 'hv1']) {
      const begin = now();
      const { tasks } = await client.call('vm.migrate', { vm: 'mover', node: to, method: 'live' });
      await client.wait(tasks[0] ?? '');
      whole.push(now() - begin);
      await delay(1_000);
      const { arrived } = await client.call('vm.info', { vm: 'mover' });
      if (typeof arrived?.tookMs === 'number') added.push((whole.at(-1) ?? 0) - arrived.tookMs);
      if (typeof arrived?.pauseMs === 'number') pauses.push(arrived.pauseMs);
    }
    figures.push({
      area,
      what: 'live move of a guest of 160 MiB, asked until done',
      value: median(whole),
      unit: 'ms',
      note: `of 5; guest's pause as libvirt tells: median ${numberText(median(pauses))} ms of ${pauses.length}`,
    });
    if (added.length > 0)
      figures.push({
        area,
        what: 'of it beside the copying that libvirt tells of',
        value: median(added),
        unit: 'ms',
        note: `of ${added.length}; with libvirt's own preparation at both ends (goal 500)`,
      });

    const rss = async (node: string): Promise<number> => {
      const { stdout } = await execOn(record, node, ['sh', '-c', 'grep VmRSS /proc/$(cat /run/lab/pvcd.pid)/status'], {
        accept: 'any',
      });
      return Number(/(\d+)/.exec(stdout)?.[1] ?? 0) / 1024;
    };
    figures.push({
      area,
      what: 'memory of the primary’s daemon',
      value: await rss('hv1'),
      unit: 'MiB',
      note: 'one guest',
    });

    const failOvers: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      const before = (await primary()) === 'hv1' ? await leaveTo('hv2') : await primary();
      if (before === undefined) continue;
      const begin = now();
      await switchPower(record, before, 'off');
      const { primary: after } = await client.call('cluster.primary', { not: before });
      if (after !== null) failOvers.push(now() - begin);
      await switchPower(record, before, 'on');
      await startDaemon(record, before).catch(() => undefined);
      await delay(12_000);
    }
    figures.push({
      area,
      what: 'power cut of the primary until another is',
      value: median(failOvers),
      unit: 'ms',
      note: `of ${failOvers.length}, most ${numberText(Math.max(...failOvers))} (goal 8000)`,
    });
    client.close();
    return figures;

    /** The asked daemon must live on: the role is moved away from its node. */
    async function leaveTo(node: string): Promise<string> {
      await client.call('node.primary', { node });
      await client.call('cluster.primary', { is: node });
      return node;
    }
  } finally {
    await takeDown(lab);
  }
}

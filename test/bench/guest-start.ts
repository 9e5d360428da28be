/**
 * What `vm start` adds to libvirt's own time: the same small guest is started by libvirt alone and by the
 * API, in turns.
 * @module
 */
import { createLinuxHost } from '../../core/host/linux.ts';
import { LibvirtDriver } from '../../plugins/libvirt/rpc/domain.ts';
import { guestDirectory } from '../lab/boot-script.ts';
import { type Figure, median, numberText } from './figure.ts';
import { type BenchNode, needTrue } from './node.ts';

const runs = 5;
const name = 'start';
const area = 'guest (QEMU, 128 MiB)';

interface Info {
  readonly uuid: string;
  readonly state: string;
}

export async function guestStartFigures(node: BenchNode): Promise<Figure[]> {
  const host = createLinuxHost({ level: 'error', destination: 'stderr', pretty: true });
  const info = async (): Promise<Info> => JSON.parse((await node.get(`/api/v1/vms/${name}`)).body) as Info;
  const until = (state: string) =>
    needTrue(`a guest that is ${state}`, node, async () => (await info()).state === state);
  await node.pvc(
    'vm',
    'create',
    name,
    '--memory',
    '128',
    '--kernel',
    `${guestDirectory}/vmlinuz`,
    '--initrd',
    `${guestDirectory}/initrd`,
    '--cmdline',
    'console=ttyS0 quiet',
    '--graphics',
    'none',
  );
  await node.pvc('vm', 'start', name);
  const { uuid } = await info();
  const driver = await LibvirtDriver.open(host, {
    target: { path: await node.path('/run/libvirt/libvirt-sock') },
    uri: 'qemu:///system',
  });
  try {
    const { xml } = JSON.parse((await node.get(`/api/v1/vms/${name}/live`)).body) as { xml: string };
    // As another guest, so that the daemon takes no interest: neither its name nor its UUID nor its mark.
    const other = '00000000-0000-4000-8000-000000000001';
    const alone = xml
      .replace(uuid, other)
      .replaceAll(uuid, 'alone')
      .replace(`<name>${name}</name>`, '<name>alone</name>')
      .replace(/<metadata>.*?<\/metadata>/s, '');
    await node.pvc('vm', 'stop', name, '--yes');
    const libvirtMs: number[] = [];
    const productMs: number[] = [];
    for (let run = 0; run < runs; run += 1) {
      let startMs = performance.now();
      await driver.create(alone);
      libvirtMs.push(performance.now() - startMs);
      await driver.destroy(other);

      await until('stopped');
      startMs = performance.now();
      const answer = await node.post(`/api/v1/vms/${name}/start`, {});
      const { tasks } = JSON.parse(answer.body) as { tasks: string[] };
      const ended = await node.get(`/api/v1/tasks/${tasks[0] ?? ''}`);
      let task = JSON.parse(ended.body) as { state: string };
      while (task.state === 'pending' || task.state === 'running') {
        await new Promise((resolve) => setTimeout(resolve, 2));
        task = JSON.parse((await node.get(`/api/v1/tasks/${tasks[0] ?? ''}`)).body) as { state: string };
      }
      productMs.push(performance.now() - startMs);
      if (task.state !== 'succeeded') throw new Error(`the guest was not started: ${JSON.stringify(task)}`);
      await node.pvc('vm', 'stop', name, '--yes');
    }
    await node.pvc('vm', 'undefine', name, '--yes');
    return [
      { area, what: 'created by libvirt alone', value: median(libvirtMs), unit: 'ms', note: `median of ${runs}` },
      {
        area,
        what: 'vm start, from request to end of its task',
        value: median(productMs),
        unit: 'ms',
        note: `median of ${runs}, least ${numberText(Math.min(...productMs))} ms`,
      },
      {
        area,
        what: "added to libvirt's own",
        value: median(productMs) - median(libvirtMs),
        unit: 'ms',
        goal: '≤ 500 ms',
      },
    ];
  } finally {
    await driver.close();
  }
}

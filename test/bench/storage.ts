/** Storage on one node with one disk in a file: making it, bringing an image in, clones, snapshots, a long list. @module */
import { ClusterLab } from './cluster-lab.ts';
import { type Figure, median, numberText } from './figure.ts';

const area = 'storage (one node, one OSD in a file)';
const imageMiB = 512;
const manyVolumes = 2_000;
const atOnce = 16;
const folder = '/var/lib/bench';

const timed = async (act: () => Promise<unknown>): Promise<number> => {
  const fromMs = performance.now();
  await act();
  return performance.now() - fromMs;
};

/** Figures of a lab that is taken away again. */
export async function storageFigures(signal: AbortSignal): Promise<Figure[]> {
  return ClusterLab.use(`bench-storage-${process.pid}`, 1, signal, async (lab) => {
    const storage = (...args: string[]) => lab.pvc('hv1', 'storage', ...args, '--yes');
    const madeMs = await timed(async () => {
      await storage('init', '--network', '10.10.1.0/24');
      await storage('osd', 'add', 'hv1', '/var/lib/pvc-osd0', '--size', '16G');
      await storage('pool', 'add', 'vms', '--replicas', '1');
    });
    return [
      { area, what: 'from a blank node to a pool', value: madeMs / 1000, unit: 's' },
      ...(await uploadFigures(lab)),
      ...(await cloneFigures(lab)),
      await listFigure(lab),
    ];
  });
}

/** The same image, by `qemu-img convert` into an image that is there and by an upload, in turns. */
async function uploadFigures(lab: ClusterLab): Promise<Figure[]> {
  const sh = (text: string) => lab.exec('hv1', ['sh', '-c', text]);
  const image = `${folder}/image.qcow2`;
  await sh(
    `mkdir -p ${folder} && cd ${folder} && dd if=/dev/urandom of=raw bs=1M count=${imageMiB} status=none && qemu-img convert -O qcow2 raw image.qcow2 && rm raw`,
  );
  const [direct, uploaded]: [number[], number[]] = [[], []];
  for (let run = 0; run < 3; run += 1) {
    await sh(`rbd create vms/direct --size ${imageMiB}M`);
    direct.push(
      await timed(() => sh(`qemu-img convert -W -m 16 -n --target-is-zero -f qcow2 -O raw ${image} rbd:vms/direct`)),
    );
    await sh('rbd remove --no-progress vms/direct');
    uploaded.push(await timed(() => lab.pvc('hv1', 'storage', 'volume', 'upload', 'vms/sent', image)));
    await lab.pvc('hv1', 'storage', 'volume', 'remove', 'vms/sent', '--yes');
  }
  const [directMs, uploadedMs] = [median(direct), median(uploaded)];
  const perS = (ms: number): number => imageMiB / (ms / 1000);
  return [
    { area, what: `${imageMiB} MiB of qcow2 by qemu-img`, value: perS(directMs), unit: 'MiB/s', note: 'median of 3' },
    {
      area,
      what: `${imageMiB} MiB of qcow2 by an upload`,
      value: perS(uploadedMs),
      unit: 'MiB/s',
      note: 'median of 3',
    },
    { area, what: 'an upload takes, as many times as qemu-img', value: uploadedMs / directMs, unit: '×' },
  ];
}

async function cloneFigures(lab: ClusterLab): Promise<Figure[]> {
  const storage = (...args: string[]) => lab.pvc('hv1', 'storage', ...args, '--yes');
  await storage('volume', 'add', 'vms/golden', '1G');
  await lab.exec('hv1', ['qemu-io', '-f', 'raw', '-c', 'write -q -P 7 0 256M', 'rbd:vms/golden']);
  const [snapshots, clones]: [number[], number[]] = [[], []];
  for (let run = 0; run < 5; run += 1) {
    snapshots.push(await timed(() => storage('snapshot', 'add', 'vms/golden', `s${run}`)));
    clones.push(await timed(() => storage('volume', 'clone', 'vms/golden', `vms/clone${run}`)));
  }
  const note = (samples: readonly number[]): string => `median of 5, most ${numberText(Math.max(...samples))} ms`;
  return [
    {
      area,
      what: 'storage snapshot add, command and all',
      value: median(snapshots),
      unit: 'ms',
      note: note(snapshots),
    },
    {
      area,
      what: 'storage volume clone of 1 GiB, command and all',
      value: median(clones),
      unit: 'ms',
      note: note(clones),
      goal: '≤ 2,000 ms',
    },
  ];
}

async function listFigure(lab: ClusterLab): Promise<Figure> {
  const client = await lab.client('hv1');
  const names = Array.from({ length: manyVolumes }, (_, index) => `many${index}`);
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let name = names.pop(); name !== undefined; name = names.pop())
        await client.call('volume.add', { volume: `vms/${name}`, sizeBytes: 4_194_304, force: true });
    }),
  );
  const ready = async (): Promise<boolean> =>
    (await client.call('volume.list', {})).filter(({ state }) => state === 'ready').length >= manyVolumes;
  await lab.until(`${manyVolumes} volumes`, ready, 900_000);
  const tookMs: number[] = [];
  for (let run = 0; run < 5; run += 1) tookMs.push(await timed(() => client.call('volume.list', {})));
  return {
    area,
    what: `volume.list of ${manyVolumes.toLocaleString('en')} volumes`,
    value: median(tookMs),
    unit: 'ms',
    note: `median of 5, most ${numberText(Math.max(...tookMs))} ms`,
  };
}

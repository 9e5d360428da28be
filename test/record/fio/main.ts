/**
 * `npm run record:fio`: what fio prints for each test of a benchmark, on a real Ceph of one OSD in a lab of its own.
 * @module
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { measured } from '../../../plugins/ceph/benchmark/cpu-time.ts';
import { filling, fioArgs, tests } from '../../../plugins/ceph/benchmark/tests.ts';
import { withLab } from '../../e2e/test-lab.ts';
import { makeStorage } from '../../e2e/test-storage.ts';

const folder = join(import.meta.dirname, '../../fixtures/fio/bookworm');
const image = 'vms/pvc-benchmark-record';
const seconds = 3;

await withLab({ nodes: 1 }, async (lab) => {
  await makeStorage(lab);
  await lab.exec('hv1', ['rbd', 'create', image, '--size', '128M']);
  await lab.exec('hv1', ['rbd', 'config', 'image', 'set', image, 'rbd_cache', 'false']);
  await lab.exec('hv1', ['fio', ...fioArgs(filling, image, undefined)]);
  await mkdir(folder, { recursive: true });
  for (const test of tests) {
    const argv = measured(['fio', ...fioArgs(test, image, seconds)]);
    const { code, stdout, stderr } = await lab.exec('hv1', argv);
    const kept = { argv, code, stdout: stdout.split('\n'), stderr: stderr.split('\n') };
    await writeFile(join(folder, `${test.name}.json`), `${JSON.stringify(kept, undefined, 2)}\n`);
  }
});

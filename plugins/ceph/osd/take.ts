/**
 * Disks of a node become OSDs, those of them that are blank: all, or some that are named. The node's daemon looks at its own disks, which
 * may take longer than somebody waits for an answer, and makes one after the other.
 * @module
 */
import {
  type AnyTaskDefinition,
  defineMutation,
  defineTask,
  errorText,
  formatBytes,
  names,
  PvcError,
  type Runtime,
  recalledError,
  type TaskRun,
  taskEnded,
  task as taskKind,
  z,
} from '../../../core/plugin/api.ts';
import { needStorage } from '../cluster/need-storage.ts';
import { type DeviceRow, deviceRow, nameOf } from '../device/device-row.ts';
import { needRunning } from './need-running.ts';
import { osd } from './osd-kind.ts';

/** A disk that turns takes minutes, and a server may have dozens. */
const takeTimeoutMs = 12 * 3_600_000;
const lookMs = 500;

const every = 'all';
/** What has become of a disk. `left`: nobody asked for that one by name, and it is not blank. */
export const diskOutcome = z.strictObject({
  disk: z.string(),
  state: z.enum(['done', 'waiting', 'left', 'refused', 'failed']),
  text: z.string(),
});
export type DiskOutcome = z.output<typeof diskOutcome>;

export const takeInput = z.strictObject({ take: z.array(names.diskWord).min(1).max(64) });
export const takeResult = z.strictObject({ node: z.string(), outcomes: z.array(diskOutcome) });

const labelOf = (row: DeviceRow): string => {
  const words = [nameOf(row), formatBytes(row.sizeBytes)].filter((word) => word !== '');
  return `${row.path} (${words.join(', ')})`;
};

/** A message may have several lines, and be long. */
export const line = (text: string): string => text.replace(/[\u0000-\u001f\u007f]+/g, ' ').slice(0, 400);

/**
 * How far one disk is. Pure.
 * @param named somebody asked for this very disk
 * @param own numbers of the node's own OSDs
 * @param failures why those that were tried did not become OSDs, by path
 */
export function outcomeOf(
  row: DeviceRow,
  named: boolean,
  own: ReadonlySet<number>,
  failures: ReadonlyMap<string, string>,
): DiskOutcome {
  const disk = labelOf(row);
  if (row.osds.length > 0 && row.osds.every((id) => own.has(id)))
    return { disk, state: 'done', text: row.osds.map((id) => `osd.${id}`).join(', ') };
  const failure = failures.get(row.path);
  if (failure !== undefined) return { disk, state: 'failed', text: failure };
  if (row.usable) return { disk, state: 'waiting', text: 'it is blank' };
  return { disk, state: named ? 'refused' : 'left', text: row.reasons.join('; ') };
}

/** A disk that is named and not there; a serial number is no name of a device for `device.info`. */
const missingCodes = new Set(['DEVICE_NOT_FOUND', 'DEVICE_NOT_DETECTED', 'DEVICE_DETECT', 'INPUT_INVALID']);

export function takeTask({
  documents,
  host,
  node,
  ask,
  perform,
}: Pick<Runtime, 'documents' | 'host' | 'node' | 'ask' | 'perform'>): AnyTaskDefinition {
  async function choose(
    words: readonly string[],
    signal: AbortSignal,
  ): Promise<{ readonly chosen: readonly DeviceRow[]; readonly missing: readonly DiskOutcome[] }> {
    const rows = z.array(deviceRow).parse(await ask('device.list', { node }, signal));
    // Partitions, loops and CD drives are nobody's disks.
    if (words.includes(every)) return { chosen: rows.filter(({ type }) => type === 'disk'), missing: [] };
    const chosen: DeviceRow[] = [];
    const missing: DiskOutcome[] = [];
    for (const word of words) {
      try {
        const found =
          rows.find(({ path, serial, wwn }) => [path, serial, wwn].includes(word)) ??
          deviceRow.parse(await ask('device.info', { node, device: word }, signal));
        if (!chosen.some(({ path }) => path === found.path)) chosen.push(found);
      } catch (error) {
        if (!(error instanceof PvcError) || !missingCodes.has(error.code)) throw error;
        const unknown = error.code === 'INPUT_INVALID' ? `${node} has no disk of that name` : errorText(error);
        missing.push({ disk: word, state: 'refused', text: line(unknown) });
      }
    }
    return { chosen, missing };
  }

  /** @throws PvcError of the task that makes the OSD, or that refuses to */
  async function addOne(path: string, signal: AbortSignal): Promise<void> {
    // An earlier life of this task may have begun it.
    const begun = (await documents.list(taskKind)).find(
      ({ spec, status }) => spec.action === 'osd.add' && spec.target.id === `${node}${path}` && !taskEnded(status),
    );
    const id = begun?.id ?? (await perform('osd.add', { node, device: path })).tasks[0] ?? '';
    for (;;) {
      const { status } = await documents.need(taskKind, id);
      if (status !== undefined && taskEnded(status)) {
        if (status.state === 'succeeded') return;
        throw recalledError(status.error ?? { code: 'TASK_FAILED', message: `osd.add ${status.state}`, hint: '' });
      }
      await host.clock.sleep(lookMs, signal);
    }
  }

  async function take(run: TaskRun): Promise<z.output<typeof takeResult>> {
    const { take: words } = takeInput.parse(run.spec.input);
    const failures = new Map<string, string>();
    for (let tries = 0; ; tries += 1) {
      const { chosen, missing } = await choose(words, run.signal);
      const mine = (await documents.list(osd)).filter(({ spec }) => spec.node === node);
      const own = new Set(mine.map(({ id }) => Number(id)));
      const outcomes = chosen.map((row) => outcomeOf(row, !words.includes(every), own, failures));
      const next = chosen[outcomes.findIndex(({ state }) => state === 'waiting')];
      if (next === undefined) return { node, outcomes: [...outcomes, ...missing] };
      run.progress(tries / (tries + outcomes.length), `makes ${next.path} an OSD`);
      try {
        await addOne(next.path, run.signal);
        // Should it be blank all the same, it is not tried for ever.
        failures.set(next.path, 'it was made an OSD, and is blank again');
      } catch (error) {
        run.signal.throwIfAborted();
        if (error instanceof PvcError && error.code.startsWith('STORE_')) throw error;
        failures.set(next.path, line(errorText(error)));
      }
    }
  }

  return defineTask({ action: 'osd.take', summary: 'makes blank disks of a node OSDs', run: take });
}

export const takeOperation = defineMutation({
  name: 'osd.take',
  summary: 'Make disks of a node OSDs, those of them that are blank',
  description:
    'One after the other, each as by `storage osd add`. A disk that is not blank is left as it is; the result of the task says why.',
  http: { method: 'POST', path: '/storage/osds/take' },
  cli: {
    command: 'storage osd take',
    arguments: [
      { field: 'node', complete: 'node' },
      { field: 'take', value: 'DISK' },
    ],
    confirm: 'Make OSDs of the blank disks of {node}?',
    waits: true,
    examples: ['pvc storage osd take hv1 all', 'pvc storage osd take hv1 S5Y1NX0R detect:INTEL:480GB:0'],
  },
  role: 'admin',
  input: z.strictObject({
    node: names.nodeName.describe('the node that has the disks'),
    take: takeInput.shape.take.describe('all, or a path, serial number, WWN or detect:NAME:SIZE:INDEX each'),
  }),
  output: z.object({ node: z.string() }),
  async plan(plan, { view }, { node, take }) {
    await needStorage(view);
    await needRunning(view, node);
    plan.task({
      action: 'osd.take',
      target: { kind: 'osd-node', id: node, label: node },
      node,
      input: { take } satisfies z.input<typeof takeInput>,
      timeoutMs: takeTimeoutMs,
    });
    plan.act(
      `look at the disks of ${node}, and make OSDs of ${take.includes(every) ? 'all' : take.join(', ')} that are blank`,
    );
    return { node };
  },
});

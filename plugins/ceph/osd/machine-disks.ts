/** Disks of a server that has booted from the network become OSDs, where its administrator asked for that. @module */
import {
  type Doc,
  type PluginContext,
  type Runtime,
  type TaskSpec,
  type TaskStatus,
  taskEnded,
  task as taskKind,
} from '../../../core/plugin/api.ts';
import { type DiskOutcome, line, takeInput, takeResult } from './take.ts';

/** As the plugin of machines hands it over. */
export interface DisksAbout {
  readonly node: string;
  readonly take: 'all' | readonly string[];
  readonly askedMs: number;
}

/** What is told there. */
export type ToldDisk = Omit<DiskOutcome, 'state'> & { readonly state: DiskOutcome['state'] | 'making' };

/** A disk that was refused may be empty by now: it is looked at again so long after. */
const againMs = 10 * 60_000;

type Task = Doc<TaskSpec, TaskStatus>;

/** The task that was begun last for what is asked for; what was asked before counts no more. Pure. */
export function latestFor(tasks: readonly Task[], { node, take, askedMs }: DisksAbout): Task | undefined {
  const wanted = JSON.stringify(take === 'all' ? ['all'] : take);
  return tasks
    .filter(({ spec }) => spec.action === 'osd.take' && spec.target.id === node && spec.createdMs >= askedMs)
    .filter(({ spec }) => JSON.stringify(takeInput.safeParse(spec.input).data?.take) === wanted)
    .toSorted((a, b) => b.spec.createdMs - a.spec.createdMs)[0];
}

/** What has become of the disks, and whether somebody has to begin (anew). Pure. */
export function toldOf(
  task: Task | undefined,
  node: string,
  nowMs: number,
): { readonly told: readonly ToldDisk[]; readonly begin: boolean } {
  const all = `the disks of ${node}`;
  if (task === undefined) return { told: [{ disk: all, state: 'making', text: 'they are looked at' }], begin: true };
  const { status } = task;
  if (status === undefined || !taskEnded(status))
    return { told: [{ disk: all, state: 'making', text: status?.message ?? '' }], begin: false };
  if (status.state !== 'succeeded') {
    const text = line(status.error?.message ?? `the task was ${status.state}`);
    return { told: [{ disk: all, state: 'failed', text }], begin: false };
  }
  const { outcomes } = takeResult.parse(status.result);
  const begin = outcomes.some(({ state }) => state === 'refused') && nowMs - (status.endedMs ?? 0) >= againMs;
  return { told: outcomes, begin };
}

/** Keeps nothing: what there is to tell, the task says that makes the OSDs. */
export async function takeDisks(
  { documents, host, perform }: Pick<Runtime, 'documents' | 'host' | 'perform'>,
  about: DisksAbout,
): Promise<readonly ToldDisk[]> {
  const { node, take } = about;
  const { told, begin } = toldOf(latestFor(await documents.list(taskKind), about), node, host.clock.wallMs());
  if (begin) await perform('osd.take', { node, take: take === 'all' ? ['all'] : take });
  return told;
}

export function tapMachines(pvc: PluginContext, runtime: () => Runtime): void {
  pvc.on(
    'pxe.disks',
    async (told: readonly ToldDisk[], about: DisksAbout): Promise<readonly ToldDisk[]> => [
      ...told,
      ...(await takeDisks(runtime(), about)),
    ],
  );
}

/**
 * Disks of a machine that shall become part of the storage once its node runs. What storage that is, plugins know: they are asked
 * by the hook `pxe.disks`.
 * @module
 */
import { type FoldHook, names, z } from '../../../core/plugin/api.ts';

const every = 'all';

/** As it is asked for. An empty list: no disks. */
export const osdInput = z
  .array(names.diskWord)
  .max(64)
  .refine((words) => !words.includes(every) || words.length === 1, '"all" stands alone')
  .describe(
    'disk that becomes an OSD once the node is ready: all for each that is blank, or a path, serial number, WWN or detect:NAME:SIZE:INDEX; may be repeated',
  );
export const osdOption = { value: 'DISK' } as const;

export const diskWish = z.strictObject({
  /** Every blank one, or these. */
  take: z.union([z.literal(every), z.array(names.diskWord).min(1).max(64)]),
  /** What failed before counts no more. */
  askedMs: z.int(),
  /** All of it has been done for the node that there is: what is taken from the storage later stays taken. */
  done: z.literal(true).optional(),
});
export type DiskWish = z.output<typeof diskWish>;

/** Undefined: no disks. */
export const wishOf = (words: readonly string[], nowMs: number): DiskWish | undefined =>
  words.length === 0
    ? undefined
    : { take: words.includes(every) ? every : [...new Set(words)], askedMs: Math.round(nowMs) };

/** `all blank disks`, or which. */
export const wishInWords = ({ take }: Pick<DiskWish, 'take'>): string =>
  take === every ? 'all blank disks' : take.join(', ');

export const diskStates = ['done', 'making', 'waiting', 'left', 'refused', 'failed'] as const;

/** What has become of a disk. `left`: nobody asked for that one by name, and it is not blank. */
export const diskOutcome = z.strictObject({
  disk: names.oneLine,
  state: z.enum(diskStates),
  text: names.oneLine,
});
export type DiskOutcome = z.output<typeof diskOutcome>;

/** What the hook `pxe.disks` hands over. */
export interface DisksAbout {
  readonly node: string;
  readonly take: DiskWish['take'];
  readonly askedMs: number;
}
export type DisksHook = FoldHook<readonly DiskOutcome[], DisksAbout>;

const outcomes = z.array(diskOutcome).max(256);

export const outcomesProblem = (value: unknown): string | undefined =>
  outcomes.safeParse(value).success ? undefined : 'something that does not tell what became of disks';

/** What an administrator has to look at: `/dev/sdb: it is mounted on /srv`. */
export const troubles = (told: readonly DiskOutcome[]): string[] =>
  told.filter(({ state }) => state === 'refused' || state === 'failed').map(({ disk, text }) => `${disk}: ${text}`);

export const underWay = (told: readonly DiskOutcome[]): boolean =>
  told.some(({ state }) => state === 'making' || state === 'waiting');

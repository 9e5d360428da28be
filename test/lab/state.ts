/**
 * What is remembered of a lab between two commands: small JSON files in its state directory.
 * @module
 */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dataRoot, stateDirectory, stateRoot } from './paths.ts';
import type { ProcessIdentity } from './process-identity.ts';
import { LabError, type Topology } from './topology.ts';

/** The lab as it was asked for. */
export interface LabRecord {
  readonly topology: Topology;
  /** Runs the product from its sources instead of the executable. */
  readonly dev: boolean;
  /** Directory of the built guest image. */
  readonly guest: string;
  /** The process whose end is the end of the lab; none for a lab that stays until `down`. */
  readonly owner?: ProcessIdentity;
}

/** What `pvc cluster init` answered. */
export interface ClusterRecord {
  readonly token: string;
}

const labFile = (lab: string): string => join(stateDirectory(lab), 'lab.json');
const powerFile = (lab: string, node: string): string => join(stateDirectory(lab), `${node}.power.json`);
const clusterFile = (lab: string): string => join(stateDirectory(lab), 'cluster.json');

/** @throws LabError when there is no such lab */
export async function readLab(lab: string): Promise<LabRecord> {
  const record = await findLab(lab);
  if (record !== undefined) return record;
  const others = await labNames();
  throw new LabError(
    `there is no lab ${lab}${others.length === 0 ? '; make one: npm run lab -- up' : `; there is ${others.join(', ')}`}`,
  );
}

/** Undefined when there is no such lab, or nothing but remains of it. */
export const findLab = (lab: string): Promise<LabRecord | undefined> => readJson(labFile(lab));

export const writeLab = (record: LabRecord): Promise<void> => writeJson(labFile(record.topology.name), record);

/** The first process of a node, seen from the machine, when it has power. */
export const readPower = (lab: string, node: string): Promise<ProcessIdentity | undefined> =>
  readJson(powerFile(lab, node));
export const writePower = (lab: string, node: string, record: ProcessIdentity): Promise<void> =>
  writeJson(powerFile(lab, node), record);
export const removePower = (lab: string, node: string): Promise<void> => rm(powerFile(lab, node), { force: true });

export const readCluster = (lab: string): Promise<ClusterRecord | undefined> => readJson(clusterFile(lab));
export const writeCluster = (lab: string, record: ClusterRecord): Promise<void> => writeJson(clusterFile(lab), record);

/** Every lab of which anything is left on this machine, also after a crash half-way through `up` or `down`. */
export async function labNames(): Promise<string[]> {
  const names = new Set<string>();
  for (const root of [stateRoot, dataRoot]) {
    for (const name of (await orUndefined(readdir(root))) ?? []) names.add(name);
  }
  return [...names].sort();
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true, mode: 0o700 });
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  await rename(draft, path);
}

async function readJson<T>(path: string): Promise<T | undefined> {
  const text = await orUndefined(readFile(path, 'utf8'));
  return text === undefined ? undefined : (JSON.parse(text) as T);
}

/** Undefined instead of the error that says that there is no such file. */
async function orUndefined<T>(result: Promise<T>): Promise<T | undefined> {
  try {
    return await result;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

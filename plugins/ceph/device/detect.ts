/**
 * `detect:NAME:SIZE:INDEX` describes a disk by what is printed on it, for nodes whose disks have other paths after
 * every boot: a part of vendor and model, the size as sold, and which of those that match.
 * @module
 */
import type { BlockDevice } from './devices.ts';
import { deviceError } from './errors.ts';

export interface Detection {
  /** A part of "VENDOR MODEL"; upper and lower case are the same. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** From 0. */
  readonly index: number;
}

/** The sizes that are printed on disks are round; the true ones differ by less than this share. */
const tolerance = 0.03;
const prefix = 'detect:';
const exponents = 'KMGTP';

export const isDetection = (text: string): boolean => text.startsWith(prefix);

/** @throws PvcError DEVICE_DETECT */
export function parseDetection(text: string): Detection {
  const wrong = (reason: string) => deviceError('DEVICE_DETECT', { text, reason });
  if (!isDetection(text)) throw wrong(`it does not begin with ${prefix}`);
  const parts = text.slice(prefix.length).split(':');
  const [name = '', size = '', index = ''] = parts.map((part) => part.trim());
  if (parts.length !== 3) throw wrong(`it has ${parts.length} parts after ${prefix}, not 3`);
  if (name === '') throw wrong('the name is empty');
  if (!/^\d{1,4}$/.test(index)) throw wrong(`"${index}" is no index`);
  const bytes = bytesOf(size);
  if (bytes === undefined) throw wrong(`"${size}" is no size such as 480GB, 1.92TB or 446GiB`);
  return { name, size: bytes, index: Number(index) };
}

/** Disks are sold by powers of 1000: `4T` and `4TB` are those, `3.6TiB` is of 1024. */
function bytesOf(text: string): number | undefined {
  const match = /^(\d{1,6}(?:\.\d{1,3})?)([KMGTP])(i?B)?$/i.exec(text);
  if (match === null) return undefined;
  const [, number = '', unit = '', suffix = ''] = match;
  const base = suffix.length === 2 ? 1024 : 1000;
  const bytes = Number(number) * base ** (exponents.indexOf(unit.toUpperCase()) + 1);
  return bytes > 0 ? bytes : undefined;
}

/**
 * The disk that is meant. Disks in use count, too: else the same words would mean another disk once one was taken.
 * They are counted by serial number, which no boot changes, then by path.
 * @throws PvcError DEVICE_NOT_DETECTED, with every disk that there is
 */
export function detect(detection: Detection, devices: readonly BlockDevice[]): BlockDevice {
  const disks = devices.filter(({ type }) => type === 'disk').sort(bySerial);
  const wanted = detection.name.toLowerCase();
  const named = disks.filter((disk) => title(disk).toLowerCase().includes(wanted));
  const matching = named.filter(({ size }) => Math.abs(size - detection.size) <= detection.size * tolerance);
  const found = matching[detection.index];
  if (found !== undefined) return found;
  const { name, size, index } = detection;
  throw deviceError(
    'DEVICE_NOT_DETECTED',
    { text: `${prefix}${name}:${sold(size)}:${index}`, reason: reasonOf(named.length, matching.length, detection) },
    { details: disks.map((disk) => `${disk.path}: ${title(disk) || 'no name'}, ${sold(disk.size)}`) },
  );
}

function reasonOf(named: number, matching: number, { name, size }: Detection): string {
  if (named === 0) return `none has "${name}" in its vendor and model`;
  if (matching === 0) return `none of the ${named} with "${name}" in vendor and model has ${sold(size)}`;
  return `${matching} match, and they are counted from 0`;
}

const title = ({ vendor, model }: BlockDevice): string =>
  [vendor, model].filter((word) => word !== undefined).join(' ');

/** As printed on disks: three digits, powers of 1000. */
function sold(bytes: number): string {
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), exponents.length);
  return `${Number((bytes / 1000 ** power).toPrecision(3))}${power === 0 ? '' : exponents[power - 1]}B`;
}

const compare = new Intl.Collator('en', { numeric: true }).compare;
const bySerial = (a: BlockDevice, b: BlockDevice): number =>
  compare(a.serial ?? '', b.serial ?? '') || compare(a.path, b.path);

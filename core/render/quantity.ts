/** Amounts and times as people read them. @module */

const binary = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] as const;

/** One decimal below 100 where it says something: `1.5`, `2`, `128`. */
const short = (value: number): string =>
  Math.abs(value) < 100 ? String(Math.round(value * 10) / 10) : String(Math.round(value));

/** `1.5 GiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 1023.95 would be shown as 1024 of this unit, hence a little less than the whole step.
  while (Math.abs(value) >= 1023.95 && unit < binary.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${short(value)} ${binary[unit]}`;
}

/** A number of MiB as `512 MiB`, `4 GiB`. */
export const formatMiB = (sizeMiB: number): string => formatBytes(sizeMiB * 1024 * 1024);

/** The two largest parts: `350 ms`, `12 s`, `3 min 5 s`, `2 h`, `3 d 4 h`. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 0) return `-${formatDuration(-durationMs)}`;
  if (durationMs < 1000) return `${Math.round(durationMs)} ms`;
  if (durationMs < 10_000) return `${Math.round(durationMs / 100) / 10} s`;
  const seconds = Math.round(durationMs / 1000);
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}

/** How long ago, in its largest part: `3 min ago`, `in 2 h`, `just now`. */
export function formatAgo(atMs: number, nowMs: number): string {
  const distance = Math.abs(nowMs - atMs);
  if (distance < 2000) return 'just now';
  const [size, unit]: [number, string] =
    distance < 60_000
      ? [1000, 's']
      : distance < 3_600_000
        ? [60_000, 'min']
        : distance < 172_800_000
          ? [3_600_000, 'h']
          : [86_400_000, 'd'];
  const text = `${Math.floor(distance / size)} ${unit}`;
  return atMs > nowMs ? `in ${text}` : `${text} ago`;
}

/** `2030-01-01 12:00:00Z`: always UTC, since the nodes of a cluster may stand in several zones. */
export const formatInstant = (atMs: number): string =>
  `${new Date(atMs).toISOString().slice(0, 19).replace('T', ' ')}Z`;

/** Relative and absolute: `3 min ago (2030-01-01 12:00:00Z)`. */
export const formatTime = (atMs: number, nowMs: number): string => `${formatAgo(atMs, nowMs)} (${formatInstant(atMs)})`;

/** A share of 1 as `42 %`. */
export const formatShare = (share: number): string => `${Math.round(share * 100)} %`;

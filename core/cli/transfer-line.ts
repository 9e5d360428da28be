/** How a transfer gets on, in one line: bytes, share, rate, time left. @module */
import { formatBytes, formatDuration } from '../render/quantity.ts';
import { progressBar } from './progress-line.ts';

/** The rate is that of the last seconds: what was faster or slower long ago says nothing of what is left. */
const windowMs = 5_000;

interface Sample {
  readonly atMs: number;
  readonly bytes: number;
}

/** Counts the bytes of a body as they pass and knows their rate. */
export class TransferMeter {
  readonly totalBytes: number | undefined;
  bytes = 0;
  readonly #samples: Sample[] = [];

  constructor(totalBytes: number | undefined) {
    this.totalBytes = totalBytes;
  }

  async *count(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const piece of body) {
      this.bytes += piece.length;
      yield piece;
    }
  }

  /** The line at a time on the monotonic clock. */
  line(nowMs: number, context: { readonly colour: boolean }): string {
    this.#samples.push({ atMs: nowMs, bytes: this.bytes });
    while (this.#samples.length > 2 && nowMs - (this.#samples[0]?.atMs ?? 0) > windowMs) this.#samples.shift();
    const first = this.#samples[0] ?? { atMs: nowMs, bytes: this.bytes };
    const rate = nowMs === first.atMs ? 0 : ((this.bytes - first.bytes) / (nowMs - first.atMs)) * 1000;
    const speed = rate > 0 ? `, ${formatBytes(rate)}/s` : '';
    const { totalBytes } = this;
    if (totalBytes === undefined) return `${formatBytes(this.bytes)}${speed}`;
    const share = totalBytes === 0 ? 1 : this.bytes / totalBytes;
    const left = rate > 0 ? `, ${formatDuration(Math.ceil((totalBytes - this.bytes) / rate) * 1000)} left` : '';
    return `${progressBar(share, context)} ${Math.floor(share * 100)} %  ${formatBytes(this.bytes)} of ${formatBytes(totalBytes)}${speed}${left}`;
  }
}

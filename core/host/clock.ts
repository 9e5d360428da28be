/**
 * Time, as the rest of PVC sees it. The real clock reads the kernel; the virtual clock of the tests
 * and the simulator advances only when told. Nothing outside `core/host` reads time in any other way.
 * @module
 */

export interface Clock {
  /**
   * Milliseconds on the machine's monotonic clock (CLOCK_MONOTONIC): never steps back, is shared by
   * all processes of one boot, means nothing across boots. Leases and deadlines are judged on it.
   */
  monotonicMs(): number;
  /** Milliseconds since the Unix epoch. For people and for documents; never for deciding who is alive. */
  wallMs(): number;
  /** Resolves after `ms`; rejects with the signal's reason as soon as the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls `fn` once after `ms` unless the returned function is called first. */
  after(ms: number, fn: () => void): () => void;
}

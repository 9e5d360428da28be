/**
 * Live migration in one call: the source's libvirtd connects to the destination's, moves the guest and
 * ends it at the source ("managed peer-to-peer").
 * @module
 */
import { errorText, type Host } from '../../../core/plugin/api.ts';
import { isLibvirt, libvirtError } from './errors.ts';
import { migrateFlag } from './flags.ts';
import type { Lanes } from './lanes.ts';
import type { TypedParam, WireDomain } from './wire.ts';

export interface MigrateOptions {
  /** The other libvirtd as the source reaches it, such as `qemu+tcp://hv2/system`. */
  readonly destinationUri: string;
  /** Where QEMU sends the memory, such as `tcp://10.0.1.2`; absent: libvirt takes the other node's host name. */
  readonly migrateUri?: string;
  /** False moves the guest while it is paused. Default true. */
  readonly live?: boolean;
  /** Domain XML for the destination (other device paths, other listen addresses). */
  readonly xml?: string;
  readonly bandwidthMiBs?: number;
  /** Longest pause at the end that QEMU aims for. */
  readonly maxDowntimeMs?: number;
  /** Slow the guest's CPUs when it writes memory faster than the link carries it. Default true. */
  readonly autoConverge?: boolean;
  /** Allow a switch to post-copy later (`startPostCopy`). */
  readonly postCopy?: boolean;
  /** Several connections for the memory. */
  readonly parallelConnections?: number;
  /** Skip libvirt's check that the disks' cache modes are safe. */
  readonly unsafe?: boolean;
  /** After this the migration is cancelled and the guest stays where it is. */
  readonly timeoutMs: number;
  /** Cancels likewise. */
  readonly signal?: AbortSignal;
}

/** What libvirtd may take beyond the deadline, to notice the cancellation and to put the guest right again. */
const cancelGraceMs = 60_000;
const cancelAgainMs = 500;

const flagsOf = (options: MigrateOptions): number =>
  migrateFlag.peerToPeer |
  migrateFlag.changeProtection |
  migrateFlag.abortOnError |
  ((options.live ?? true) ? migrateFlag.live : 0) |
  ((options.autoConverge ?? true) && (options.live ?? true) ? migrateFlag.autoConverge : 0) |
  (options.postCopy === true ? migrateFlag.postCopy : 0) |
  (options.parallelConnections === undefined ? 0 : migrateFlag.parallel) |
  (options.unsafe === true ? migrateFlag.unsafe : 0);

const paramsOf = (options: MigrateOptions): TypedParam[] => {
  const params: TypedParam[] = [];
  if (options.migrateUri !== undefined)
    params.push({ field: 'migrate_uri', value: { type: 'string', value: options.migrateUri } });
  if (options.xml !== undefined)
    params.push({ field: 'destination_xml', value: { type: 'string', value: options.xml } });
  if (options.bandwidthMiBs !== undefined)
    params.push({ field: 'bandwidth', value: { type: 'ullong', value: BigInt(options.bandwidthMiBs) } });
  if (options.parallelConnections !== undefined) {
    params.push({ field: 'parallel.connections', value: { type: 'int', value: options.parallelConnections } });
  }
  return params;
};

/**
 * Resolves when the guest runs at the destination and no longer here. Cancellation (deadline or signal) asks libvirt
 * to abort and then waits for its verdict, so that a rejection with OPERATION_ABORTED means: the guest is still here.
 * @throws LibvirtError; LIBVIRT_CANCELLED before anything was sent; LIBVIRT_OUTCOME_UNKNOWN when the connection ends
 * meanwhile (libvirtd goes on without us)
 */
export async function migrateP2P(
  host: Pick<Host, 'clock' | 'log'>,
  lanes: Lanes,
  domain: WireDomain,
  options: MigrateOptions,
): Promise<void> {
  if (options.signal?.aborted === true) throw libvirtError('LIBVIRT_CANCELLED', { procedure: 'the migration' });
  let settled = false;
  const cancel = async (): Promise<void> => {
    // Again and again: the job may not have begun yet when the first request comes.
    while (!settled) {
      try {
        await lanes.call('domainAbortJob', { domain });
      } catch (error) {
        if (!isLibvirt(error, 'OPERATION_INVALID', 'NO_DOMAIN'))
          host.log.warn('migration not cancelled', { domain: domain.uuid, reason: errorText(error) });
      }
      await host.clock.sleep(cancelAgainMs);
    }
  };
  const onCancel = (): void => void cancel();
  const cancelTimer = host.clock.after(options.timeoutMs, onCancel);
  options.signal?.addEventListener('abort', onCancel, { once: true });
  try {
    if (options.maxDowntimeMs !== undefined)
      await lanes.call('domainMigrateSetMaxDowntime', { domain, downtimeMs: options.maxDowntimeMs, flags: 0 });
    const args = {
      domain,
      destinationUri: options.destinationUri,
      params: paramsOf(options),
      cookie: new Uint8Array(0),
      flags: flagsOf(options),
    };
    await lanes.alone((connection) =>
      connection.call('domainMigratePerform3Params', args, { timeoutMs: options.timeoutMs + cancelGraceMs }),
    );
  } finally {
    settled = true;
    cancelTimer();
    options.signal?.removeEventListener('abort', onCancel);
  }
}

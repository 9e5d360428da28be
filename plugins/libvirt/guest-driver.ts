/**
 * What PVC needs of a hypervisor: the part of libvirt's driver that controllers, tasks and queries use. The real one
 * speaks libvirt's protocol (`rpc/domain.ts`); the simulator has one of its own.
 * @module
 */
import type { Host } from '../../core/plugin/api.ts';
import type { LibvirtConfig } from './libvirtd.ts';
import type { LibvirtDriver } from './rpc/domain.ts';
import type { DomainEvents } from './rpc/events.ts';

export interface GuestDriver
  extends Pick<
    LibvirtDriver,
    | 'closed'
    | 'close'
    | 'listDomains'
    | 'stats'
    | 'info'
    | 'getXml'
    | 'create'
    | 'destroy'
    | 'shutdown'
    | 'reset'
    | 'suspend'
    | 'resume'
    | 'attachDevice'
    | 'detachDevice'
    | 'updateDevice'
    | 'openConsole'
    | 'migrateP2P'
    | 'jobStats'
    | 'abortJob'
    | 'versions'
    | 'setSecret'
    | 'blockResize'
    | 'fsFreeze'
    | 'fsThaw'
  > {
  readonly events: Pick<DomainEvents, 'subscribe'>;
}

/** Opens a connection to the hypervisor of a node. @throws PvcError as `LibvirtDriver.open` */
export type OpenDriver = (
  host: Pick<Host, 'net' | 'clock' | 'log' | 'files'>,
  config: LibvirtConfig,
) => Promise<GuestDriver>;

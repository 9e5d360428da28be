/** The operations on storage in the types of clients: `client.call('volume.add', { … })`. @module */
import type { TypesOf } from '../../core/plugin/api.ts';
import type { benchmarkOperations } from './benchmark/operations.ts';
import type { blockOperations } from './client/block-operations.ts';
import type { lockOperations } from './client/lock-operations.ts';
import type { clusterOperations } from './cluster/operations.ts';
import type { deviceOperations } from './device/operations.ts';
import type { osdOperations } from './osd/operations.ts';
import type { poolOperations } from './pool/operations.ts';
import type { copyOperations } from './volume/copy-operations.ts';
import type { volumeOperations } from './volume/operations.ts';
import type { volumeQueries } from './volume/query-operations.ts';
import type { snapshotOperations } from './volume/snapshot-operations.ts';
import type { transferOperations } from './volume/transfer-operations.ts';

type Blocks = TypesOf<ReturnType<typeof blockOperations>>;
type Locks = TypesOf<ReturnType<typeof lockOperations>>;
type Benchmarks = TypesOf<ReturnType<typeof benchmarkOperations>>;
type Cluster = TypesOf<ReturnType<typeof clusterOperations>>;
type Osds = TypesOf<ReturnType<typeof osdOperations>>;
type Devices = TypesOf<ReturnType<typeof deviceOperations>>;
type Pools = TypesOf<ReturnType<typeof poolOperations>>;
type Copies = TypesOf<ReturnType<typeof copyOperations>>;
type Snapshots = TypesOf<ReturnType<typeof snapshotOperations>>;
type Transfers = TypesOf<ReturnType<typeof transferOperations>>;
type Volumes = TypesOf<ReturnType<typeof volumeOperations>>;
type VolumeQueries = TypesOf<ReturnType<typeof volumeQueries>>;

/** What can be done with storage. */
export interface StorageOperations
  extends Benchmarks,
    Cluster,
    Devices,
    Osds,
    Pools,
    Copies,
    Snapshots,
    Transfers,
    Blocks,
    Locks,
    Volumes,
    VolumeQueries {}

// The module that declares it: the compiler does not reliably merge into a name that was exported again.
declare module '../../core/operation/operation-types.ts' {
  interface OperationTypes extends StorageOperations {}
}

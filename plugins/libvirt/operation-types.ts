/** The operations on guests in the types of clients: `client.call('vm.start', { vm: 'web1' })`. @module */
import type { TypesOf } from '../../core/plugin/api.ts';
import type { exportOperations } from './export/export-operations.ts';
import type { importOperations } from './export/import-operations.ts';
import type { balanceOperations } from './operations/balance.ts';
import type { changeOperations } from './operations/change.ts';
import type { consoleOperations } from './operations/console.ts';
import type { defineOperations } from './operations/define.ts';
import type { endOperations } from './operations/end.ts';
import type { moveOperations } from './operations/move.ts';
import type { nicChangeOperations } from './operations/nic-change.ts';
import type { nicListOperation } from './operations/nic-list.ts';
import type { nodeGuestOperations } from './operations/node-guests.ts';
import type { nodeLeaveOperations } from './operations/node-leave.ts';
import type { powerOperations } from './operations/power.ts';
import type { queryOperations } from './operations/query.ts';
import type { volumeUserOperations } from './operations/volume-users.ts';
import type { ovaOperations } from './ova/import-operations.ts';
import type { provisionOperations } from './provision/provision-plugin.ts';
import type { ruleOperations } from './rule/rule-operations.ts';
import type { snapshotOperations } from './snapshot/snapshot-operations.ts';

type Balance = TypesOf<typeof balanceOperations>;
type Change = TypesOf<typeof changeOperations>;
type Console = TypesOf<ReturnType<typeof consoleOperations>>;
type Exports = TypesOf<typeof exportOperations>;
type Imports = TypesOf<ReturnType<typeof importOperations>>;
type Define = TypesOf<typeof defineOperations>;
type End = TypesOf<ReturnType<typeof endOperations>>;
type Move = TypesOf<typeof moveOperations>;
type Nics = TypesOf<readonly [typeof nicListOperation]>;
type NicChange = TypesOf<typeof nicChangeOperations>;
type NodeGuests = TypesOf<typeof nodeGuestOperations>;
type NodeLeave = TypesOf<typeof nodeLeaveOperations>;
type Ova = TypesOf<ReturnType<typeof ovaOperations>>;
type Power = TypesOf<typeof powerOperations>;
type Provision = TypesOf<ReturnType<typeof provisionOperations>>;
type Query = TypesOf<ReturnType<typeof queryOperations>>;
type Rules = TypesOf<typeof ruleOperations>;
type Snapshots = TypesOf<typeof snapshotOperations>;
type VolumeUsers = TypesOf<typeof volumeUserOperations>;

/** What can be done with guests. */
export interface GuestOperations
  extends Balance,
    Change,
    Console,
    Define,
    End,
    Exports,
    Imports,
    Move,
    NicChange,
    Nics,
    NodeGuests,
    NodeLeave,
    Ova,
    Power,
    Provision,
    Query,
    Rules,
    Snapshots,
    VolumeUsers {}

// The module that declares it: the compiler does not reliably merge into a name that was exported again.
declare module '../../core/operation/operation-types.ts' {
  interface OperationTypes extends GuestOperations {}
}

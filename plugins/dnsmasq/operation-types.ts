/** The operations on DHCP in the types of clients: `client.call('network.dhcp-list', { … })`. @module */
import type { TypesOf } from '../../core/plugin/api.ts';
import type { listOperations } from './list/list-operation.ts';
import type { reservationOperations } from './reservation/reservation-operations.ts';
import type { settingsOperations } from './settings/settings-operations.ts';

type Settings = TypesOf<ReturnType<typeof settingsOperations>>;
type Reservations = TypesOf<ReturnType<typeof reservationOperations>>;
type Addresses = TypesOf<ReturnType<typeof listOperations>>;

/** What can be done with DHCP. */
export interface DhcpOperations extends Settings, Reservations, Addresses {}

// The module that declares it: the compiler does not reliably merge into a name that was exported again.
declare module '../../core/operation/operation-types.ts' {
  interface OperationTypes extends DhcpOperations {}
}

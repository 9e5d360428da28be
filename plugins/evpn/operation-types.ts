/** The operations on networks in the types of clients: `client.call('network.add', { … })`. @module */
import type { TypesOf } from '../../core/plugin/api.ts';
import type { aclOperations } from './firewall/acl-operations.ts';
import type { networkOperations } from './network/operations.ts';
import type { sriovOperations } from './sriov/sriov-operations.ts';

type AccessControl = TypesOf<ReturnType<typeof aclOperations>>;
type Networks = TypesOf<ReturnType<typeof networkOperations>>;

type Sriov = TypesOf<ReturnType<typeof sriovOperations>>;

/** What can be done with networks. */
export interface NetworkOperations extends AccessControl, Networks, Sriov {}

// The module that declares it: the compiler does not reliably merge into a name that was exported again.
declare module '../../core/operation/operation-types.ts' {
  interface OperationTypes extends NetworkOperations {}
}

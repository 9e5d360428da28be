/** The operations on machines in the types of clients: `client.call('machine.list', { … })`. @module */
import type { TypesOf } from '../../core/plugin/api.ts';
import type { machineOperations } from './machine/machine-operations.ts';

type Machines = TypesOf<typeof machineOperations>;

/** What can be done with servers that boot from the network. */
export interface PxeOperations extends Machines {}

// The module that declares it: the compiler does not reliably merge into a name that was exported again.
declare module '../../core/operation/operation-types.ts' {
  interface OperationTypes extends PxeOperations {}
}

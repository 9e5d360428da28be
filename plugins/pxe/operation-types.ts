/** The operations on machines in the types of clients: `client.call('machine.list', { … })`. @module */
import type { TypesOf } from '../../core/plugin/api.ts';
import type { machineBmcOperations } from './machine/bmc-operations.ts';
import type { machineOperations } from './machine/machine-operations.ts';
import type { replaceOperations } from './machine/replace-operation.ts';
import type { networkOperations } from './network/network-operations.ts';
import type { ruleOperations } from './rule/rule-operations.ts';

type Machines = TypesOf<typeof machineOperations>;
type Bmcs = TypesOf<ReturnType<typeof machineBmcOperations>>;
type Replacing = TypesOf<typeof replaceOperations>;
type Rules = TypesOf<typeof ruleOperations>;
type Networks = TypesOf<typeof networkOperations>;

/** What can be done with servers that boot from the network. */
export interface PxeOperations extends Machines, Bmcs, Replacing, Rules, Networks {}

// The module that declares it: the compiler does not reliably merge into a name that was exported again.
declare module '../../core/operation/operation-types.ts' {
  interface OperationTypes extends PxeOperations {}
}

/** The operations on names in the types of clients: `client.call('network.dns-add', { … })`. @module */
import type { TypesOf } from '../../core/plugin/api.ts';
import type { recordOperations } from './record/operations.ts';

type Records = TypesOf<ReturnType<typeof recordOperations>>;

/** What can be done with names. */
export interface RecordOperations extends Records {}

// The module that declares it: the compiler does not reliably merge into a name that was exported again.
declare module '../../core/operation/operation-types.ts' {
  interface OperationTypes extends RecordOperations {}
}

/** The operations on names in the types of clients: `client.call('network.dns-add', { … })`. @module */
import type { TypesOf } from '../../core/plugin/api.ts';
import type { signingOperations } from './dnssec/operations.ts';
import type { backendOperations } from './galera/operations.ts';
import type { recordOperations } from './record/operations.ts';

type Records = TypesOf<ReturnType<typeof recordOperations>>;
type Signings = TypesOf<ReturnType<typeof signingOperations>>;
type Backends = TypesOf<ReturnType<typeof backendOperations>>;

/** What can be done with names, their signatures, and the place where PowerDNS keeps them. */
export interface DnsOperations extends Records, Signings, Backends {}

// The module that declares it: the compiler does not reliably merge into a name that was exported again.
declare module '../../core/operation/operation-types.ts' {
  interface OperationTypes extends DnsOperations {}
}

/** Core's own operations in the types of clients. Types only: nothing of this is loaded at run time. @module */
import type { clusterOperations } from '../cluster/cluster-operations.ts';
import type { faultOperations } from '../cluster/fault-operations.ts';
import type { fenceOperations } from '../cluster/fence/fence-operations.ts';
import type { isolationOperations } from '../cluster/isolation/isolation-operations.ts';
import type { joinOperations } from '../cluster/join-operations.ts';
import type { nodeOperations } from '../cluster/node-operations.ts';
import type { pluginOperations } from '../cluster/plugin-operations.ts';
import type { removeNodeOperations } from '../cluster/remove-node.ts';
import type { taskOperations } from '../cluster/task-operations.ts';
import type { tokenOperations } from '../cluster/token-operations.ts';
import type { eventOperations } from '../event/event-operations.ts';
import type { TypesOf } from '../operation/operation-types.ts';

type Cluster = TypesOf<ReturnType<typeof clusterOperations>>;
type Events = TypesOf<ReturnType<typeof eventOperations>>;
type Faults = TypesOf<typeof faultOperations>;
type Fences = TypesOf<typeof fenceOperations>;
type Isolation = TypesOf<ReturnType<typeof isolationOperations>>;
type Nodes = TypesOf<ReturnType<typeof nodeOperations>>;
type Removing = TypesOf<typeof removeNodeOperations>;
type Joining = TypesOf<ReturnType<typeof joinOperations>>;
type Plugins = TypesOf<ReturnType<typeof pluginOperations>>;
type Tasks = TypesOf<typeof taskOperations>;
type Tokens = TypesOf<typeof tokenOperations>;

/** What core itself can do. */
export interface CoreOperations
  extends Cluster,
    Events,
    Faults,
    Fences,
    Isolation,
    Joining,
    Nodes,
    Plugins,
    Removing,
    Tasks,
    Tokens {}

declare module '../operation/operation-types.ts' {
  interface OperationTypes extends CoreOperations {}
}

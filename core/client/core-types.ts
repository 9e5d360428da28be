/** Core's own operations in the types of clients. Types only: nothing of this is loaded at run time. @module */
import type { clusterOperations } from '../cluster/cluster-operations.ts';
import type { faultOperations } from '../cluster/fault-operations.ts';
import type { nodeOperations } from '../cluster/node-operations.ts';
import type { pluginOperations } from '../cluster/plugin-operations.ts';
import type { TypesOf } from '../operation/operation-types.ts';
import type { taskOperations } from '../cluster/task-operations.ts';

type Cluster = TypesOf<ReturnType<typeof clusterOperations>>;
type Faults = TypesOf<typeof faultOperations>;
type Nodes = TypesOf<typeof nodeOperations>;
type Plugins = TypesOf<ReturnType<typeof pluginOperations>>;
type Tasks = TypesOf<typeof taskOperations>;

declare module '../operation/operation-types.ts' {
  interface OperationTypes extends Cluster, Faults, Nodes, Plugins, Tasks {}
}

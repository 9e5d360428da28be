/** What `pvc sim` is made of: the one door from the product to its simulator. @module */
export { readCluster } from '../../scenarios/cluster-file.ts';
export { ScriptError } from '../actions.ts';
export { firstWords, Player } from './player.ts';

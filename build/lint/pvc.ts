/**
 * PVC's own lint rules, loaded by oxlint as an ESLint-compatible plugin.
 * @module
 */
import { hostSeam } from './host-seam.ts';

export default { meta: { name: 'pvc' }, rules: { 'host-seam': hostSeam } };

/**
 * Third-party plugins that do what they should not, for the end-to-end test of plugins. Each is the body
 * of `apply`, or a whole file.
 * @module
 */

const header = (name: string, api = '^1'): string =>
  `// @pvc-plugin ${JSON.stringify({ name, version: '0.0.1', api })}\n`;

/** A plugin of one file whose `apply` has this body. */
export const pluginFile = (name: string, body: string, api?: string): string =>
  `${header(name, api)}module.exports = { name: '${name}', api: '^1', apply(pvc) {\n${body}\n} };\n`;

const query = (name: string, path: string, command: string): string =>
  `{ ...pvc.api.defineQuery({ name: '${name}', summary: 'x', http: { method: 'GET', path: '${path}' }, cli: { command: '${command}' }, role: 'viewer', input: pvc.api.z.strictObject({}), output: pvc.api.z.string(), run: async () => 'from ${name}' }) }`;

const kind = (name: string): string =>
  `pvc.api.defineKind({ name: '${name}', plural: 'x', version: 1, id: pvc.api.names.uuid, spec: pvc.api.z.strictObject({}), status: pvc.api.z.null() })`;

/** Hooks that are called at the end of the daemon. */
const ending = ['stop', 'leavePrimary'];

/** Taps the hooks of behaviour with one function. */
const tapAll = (fn: string, more: readonly string[] = []): string =>
  [
    ...['start', 'keepalive', 'counters', 'shouldAdmit', 'becomePrimary', 'event', ...more].map(
      (hook) => `pvc.hooks.${hook}.tap(${fn});`,
    ),
    `pvc.on('libvirt.domain', ${fn});`,
    `pvc.hooks.health.tap(() => [{ name: 'bad-' + module.exports.name, summary: 'x', intervalMs: 1000, timeoutMs: 1000, run: ${fn} }]);`,
    `pvc.hooks.metrics.tap(() => [{ name: 'bad_' + module.exports.name, help: 'x', type: 'gauge', labels: [], collect: ${fn} }]);`,
  ].join('\n');

export interface BrokenPlugin {
  readonly name: string;
  readonly text: string;
  readonly state: 'loaded' | 'failed';
  /** What one of its troubles says. */
  readonly trouble: RegExp;
}

/** Wrong before a line of it runs, while it is loaded, and while it is applied. */
export const neverLoaded: readonly BrokenPlugin[] = [
  {
    name: 'from-the-future',
    text: pluginFile('from-the-future', '', '^2'),
    state: 'failed',
    trouble: /written for plugin API \^2; this PVC has 1\./,
  },
  {
    name: 'throws-at-load',
    text: `${header('throws-at-load')}throw new Error('cannot be loaded');`,
    state: 'failed',
    trouble: /cannot be loaded/,
  },
  { name: 'no-javascript', text: `${header('no-javascript')}this is (not code`, state: 'failed', trouble: /./ },
  {
    name: 'throws-in-apply',
    text: pluginFile(
      'throws-in-apply',
      `pvc.hooks.operations.tap(() => [${query('half.list', '/halves', 'half list')}]);\nthrow new Error('half-way');`,
    ),
    state: 'failed',
    trouble: /half-way/,
  },
  {
    name: 'async-apply',
    text: pluginFile('async-apply', '').replace('apply(pvc)', 'async apply(pvc)'),
    state: 'failed',
    trouble: /must not be asynchronous/,
  },
];

/** Loaded, and wrong in what they give or do. */
export const misbehaving: readonly BrokenPlugin[] = [
  {
    name: 'thief',
    text: pluginFile(
      'thief',
      `pvc.hooks.operations.tap(() => [
        ${query('vm.list', '/stolen', 'stolen list')},
        ${query('thief.route', '/vms', 'thief route')},
        ${query('thief.command', '/thief-command', 'vm list')},
        ${query('thief.own', '/thief', 'thief own')},
      ]);
      pvc.hooks.kinds.tap(() => [${kind('vm')}, ${kind('node')}, ${kind('claim')}, ${kind('loot')}]);
      pvc.hooks.tasks.tap(() => [{ action: 'vm.start', summary: 'x', run: async () => { throw new Error('stolen'); } }]);
      pvc.hooks.metrics.tap(() => [{ name: 'pvc_vm_up', help: 'x', type: 'gauge', labels: [], collect: () => [] }]);
      pvc.hooks.health.tap(() => [{ name: 'libvirt', summary: 'x', intervalMs: 1000, timeoutMs: 1000, run: async () => ({ severity: 'critical', message: 'stolen', hint: '' }) }]);`,
    ),
    state: 'loaded',
    trouble: /already a kind node/,
  },
  {
    name: 'garbage',
    text: pluginFile(
      'garbage',
      `for (const name of ['config', 'kinds', 'operations', 'controllers', 'tasks', 'health', 'metrics']) pvc.hooks[name].tap(() => [undefined, null, 7, {}, { name: 'x' }, () => 0]);
      pvc.hooks.keepalive.tap(() => ({ list: [1], fn: () => 0 }));
      pvc.hooks.counters.tap(() => 'many');
      pvc.hooks.shouldAdmit.tap(() => ({ no: 'reason' }));
      pvc.on('libvirt.domain', () => ({ name: 'domain', attributes: 7 }));`,
    ),
    state: 'loaded',
    trouble: /gave no proper/,
  },
  {
    name: 'throws',
    text: pluginFile('throws', tapAll(`() => { throw new Error('in a hook'); }`, ending)),
    state: 'loaded',
    trouble: /in a hook/,
  },
  {
    name: 'wild',
    text: pluginFile(
      'wild',
      `pvc.hooks.start.tap(() => {
        setTimeout(() => { throw new Error('in a timer'); }, 500);
        setTimeout(() => { Promise.reject(new Error('nobody waits')); }, 700);
      });`,
    ),
    state: 'loaded',
    trouble: /in a timer|nobody waits/,
  },
];

/** Promises that never resolve, everywhere. */
export const hanging: BrokenPlugin = {
  name: 'hangs',
  text: pluginFile('hangs', tapAll('() => new Promise(() => undefined)')),
  state: 'loaded',
  trouble: /did not return within/,
};

/**
 * Lint rule `pvc/host-seam`: code outside `core/host` may not read the clock, set timers, draw random
 * numbers, read the environment, or touch files, processes and sockets. It must ask its `Host`, so that
 * the simulator can put the same code on a virtual clock and a fake machine.
 * @module
 */

/** Modules that reach the operating system. `import type` from them is fine: types do nothing. */
const forbiddenModules = new Set([
  'child_process',
  'cluster',
  'dgram',
  'dns',
  'dns/promises',
  'fs',
  'fs/promises',
  'inspector',
  'net',
  'os',
  'perf_hooks',
  'process',
  'timers',
  'timers/promises',
  'tls',
  'worker_threads',
]);

const forbiddenGlobals: ReadonlyMap<string, string> = new Map([
  ['setTimeout', 'host.clock.after or host.clock.sleep'],
  ['setInterval', 'host.clock.sleep in a loop'],
  ['setImmediate', 'host.clock.after'],
  ['performance', 'host.clock.monotonicMs'],
]);

/** Members by object; `*` is a prefix match on what follows it. */
const forbiddenMembers: ReadonlyMap<string, ReadonlyMap<string, string>> = new Map([
  ['Date', new Map([['now', 'host.clock.wallMs']])],
  ['Math', new Map([['random', 'host.random']])],
  ['AbortSignal', new Map([['timeout', 'an AbortController and host.clock.after']])],
  [
    'process',
    new Map([
      ['env', 'the configuration, or core/host'],
      ['hrtime', 'host.clock.monotonicMs'],
      ['uptime', 'host.clock.monotonicMs'],
      ['kill', 'host.processes.kill'],
      ['dlopen', 'core/host'],
    ]),
  ],
]);

/** What Node's crypto offers that is not a pure function of its input. */
const randomCrypto = new Set([
  'randomBytes',
  'randomFill',
  'randomFillSync',
  'randomInt',
  'randomUUID',
  'randomUUIDv7',
  'getRandomValues',
  'pseudoRandomBytes',
]);

/** The little of the syntax tree that the rule reads (ESTree names). */
interface Node {
  readonly type: string;
  readonly [field: string]: unknown;
}

interface Scope {
  readonly upper: Scope | null;
  readonly set: ReadonlyMap<string, { readonly defs: readonly unknown[] }>;
}

interface Context {
  readonly sourceCode: { getScope(node: Node): Scope };
  report(problem: { node: Node; message: string }): void;
}

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && 'type' in value;
const nameOf = (value: unknown): string | undefined => {
  if (!isNode(value)) return undefined;
  if (value.type === 'Identifier') return value['name'] as string;
  return value.type === 'Literal' && typeof value['value'] === 'string' ? value['value'] : undefined;
};
const bare = (source: unknown): string => String(isNode(source) ? source['value'] : source).replace(/^node:/, '');

/** True when `name` at `node` means the global, not something the file declares. */
function isGlobal(context: Context, node: Node, name: string): boolean {
  for (let scope: Scope | null = context.sourceCode.getScope(node); scope !== null; scope = scope.upper) {
    const variable = scope.set.get(name);
    if (variable !== undefined) return variable.defs.length === 0;
  }
  return true;
}

/** The rule object, in ESLint's shape. */
export const hostSeam = {
  meta: { type: 'problem', docs: { description: 'reach the operating system through core/host only' } },
  create(context: Context): Record<string, (node: Node) => void> {
    const report = (node: Node, what: string, instead: string): void =>
      context.report({ node, message: `${what} is not allowed outside core/host: use ${instead}.` });

    /** Local names bound to the whole of node:crypto. */
    const cryptoNames = new Set<string>();

    const checkImport = (node: Node): void => {
      const source = bare(node['source']);
      if (node['importKind'] === 'type' || node['exportKind'] === 'type') return;
      const specifiers = (node['specifiers'] ?? []) as readonly Node[];
      const allTypes =
        specifiers.length > 0 &&
        specifiers.every((one) => one['importKind'] === 'type' || one['exportKind'] === 'type');
      if (forbiddenModules.has(source) && !allTypes) report(node, `Importing ${source}`, 'the Host that is passed in');
      if (source !== 'crypto') return;
      for (const one of specifiers) {
        const imported = nameOf(one['imported']) ?? nameOf(one['local']);
        if (one.type === 'ImportSpecifier' || one.type === 'ExportSpecifier') {
          if (imported !== undefined && randomCrypto.has(imported)) report(one, `crypto.${imported}`, 'host.random');
        } else {
          const local = nameOf(one['local']);
          if (local !== undefined) cryptoNames.add(local);
        }
      }
    };

    return {
      ImportDeclaration: checkImport,
      ExportNamedDeclaration: (node) => {
        if (node['source'] !== null && node['source'] !== undefined) checkImport(node);
      },
      ExportAllDeclaration: checkImport,
      ImportExpression(node) {
        const source = nameOf(node['source']);
        if (source !== undefined && forbiddenModules.has(bare(source)))
          report(node, `Importing ${bare(source)}`, 'the Host that is passed in');
      },
      CallExpression(node) {
        const argument = (node['arguments'] as readonly unknown[])[0];
        const source = nameOf(argument);
        if (nameOf(node['callee']) === 'require' && source !== undefined && forbiddenModules.has(bare(source)))
          report(node, `Requiring ${bare(source)}`, 'the Host that is passed in');
      },
      NewExpression(node) {
        const empty = (node['arguments'] as readonly unknown[]).length === 0;
        if (nameOf(node['callee']) === 'Date' && empty && isGlobal(context, node, 'Date'))
          report(node, 'new Date() without an argument', 'host.clock.wallMs');
      },
      MemberExpression(node) {
        const property = nameOf(node['property']);
        const isStatic = node['computed'] !== true || (isNode(node['property']) && node['property'].type === 'Literal');
        if (property === undefined || !isStatic) return;
        let object = node['object'];
        if (isNode(object) && object.type === 'MemberExpression' && nameOf(object['object']) === 'globalThis')
          object = object['property'];
        const name = nameOf(object);
        if (name === undefined) return;
        if (name === 'globalThis' && forbiddenGlobals.has(property))
          report(node, property, forbiddenGlobals.get(property) as string);
        if (
          (cryptoNames.has(name) || (name === 'crypto' && isGlobal(context, node, 'crypto'))) &&
          randomCrypto.has(property)
        )
          report(node, `crypto.${property}`, 'host.random');
        const instead = forbiddenMembers.get(name)?.get(property);
        if (instead !== undefined && isGlobal(context, node, name)) report(node, `${name}.${property}`, instead);
      },
      VariableDeclarator(node) {
        const { id, init } = node;
        const name = nameOf(init);
        if (name === undefined || !isNode(id) || id.type !== 'ObjectPattern') return;
        const members = forbiddenMembers.get(name);
        if (members === undefined || !isGlobal(context, node, name)) return;
        for (const property of id['properties'] as readonly Node[]) {
          const key = nameOf(property['key']);
          const instead = key === undefined ? undefined : members.get(key);
          if (instead !== undefined) report(property, `${name}.${key}`, instead);
        }
      },
      Identifier(node) {
        const name = node['name'] as string;
        const instead = forbiddenGlobals.get(name);
        if (instead === undefined) return;
        const parent = node['parent'] as Node;
        const isProperty =
          (parent.type === 'MemberExpression' && parent['property'] === node && parent['computed'] !== true) ||
          ((parent.type === 'Property' || parent.type === 'MethodDefinition' || parent.type === 'PropertyDefinition') &&
            parent['key'] === node &&
            parent['shorthand'] !== true) ||
          parent.type.startsWith('TS');
        if (!isProperty && isGlobal(context, node, name)) report(node, name, instead);
      },
    };
  },
};

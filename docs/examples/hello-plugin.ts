// @pvc-plugin {"name":"hello","version":"1.0.0","api":"^1","summary":"greetings, an example of a plugin with types"}
/**
 * The same idea as hello-plugin.cjs, smaller and with types, as TypeScript that PVC loads as it is: types
 * are taken away, nothing is compiled, so only what can be erased may be used (no `enum`, no `namespace`).
 *
 * Outside of this repository the types come from the package that `npm run build:types` makes:
 * `import type { PluginDefinition } from '@pvc/plugin-api'`. Only types are imported; the functions are
 * given as `pvc.api`.
 * @module
 */
import type { PluginDefinition, Runtime } from '../../core/plugin/api.ts';

/** As much of a domain's tree as this plugin touches. */
interface Tree {
  readonly name: string;
  readonly attributes: Record<string, string>;
  readonly children: unknown[];
}

/** What comes with it; the hook's own types are in plugins/libvirt. */
interface About {
  readonly vm: { readonly uuid: string; readonly spec: { readonly name: string } };
  edit(root: Tree): { ensure(path: string): Tree; el(name: string, attributes: object, text: string): Tree };
}

interface Settings {
  readonly limit: number;
  readonly mark: string;
}

const hello: PluginDefinition = {
  name: 'hello',
  api: '^1',
  apply(pvc) {
    const { z, names, defineKind, defineMutation, defineQuery } = pvc.api;
    let runtime: Runtime | undefined;
    const settings = (): Settings => runtime?.section('hello') as Settings;
    pvc.hooks.start.tap((given) => {
      runtime = given;
    });
    pvc.hooks.config.tap(() => [
      z.strictObject({ limit: z.int().min(1).default(10), mark: z.string().max(64).default('hello from pvc') }),
    ]);

    const spec = z.strictObject({ name: names.objectName, text: names.oneLine });
    const greeting = defineKind({
      name: 'greeting',
      plural: 'greetings',
      version: 1,
      id: names.uuid,
      spec,
      status: z.null(),
      unique: (value) => ({ name: [value.name] }),
      label: (value) => value.name,
    });
    pvc.hooks.kinds.tap(() => [greeting]);

    pvc.hooks.operations.tap(() => [
      defineQuery({
        name: 'greeting.list',
        summary: 'List greetings',
        http: { method: 'GET', path: '/greetings' },
        cli: { command: 'greeting list' },
        role: 'viewer',
        input: z.strictObject({}),
        output: z.array(spec),
        run: async ({ view }) => (await view.list(greeting)).map((doc) => doc.spec),
      }),
      defineMutation({
        name: 'greeting.add',
        summary: 'Add a greeting',
        http: { method: 'POST', path: '/greetings' },
        cli: { command: 'greeting add', arguments: [{ field: 'greeting' }] },
        role: 'operator',
        input: z.strictObject({
          greeting: names.objectName.describe('name of the greeting'),
          text: names.oneLine.default('Hello').describe('what is said'),
        }),
        output: spec,
        async plan(plan, context, input) {
          const made = { name: input.greeting, text: input.text };
          plan.create(greeting, context.uuid(), made);
          plan.act(`add the greeting ${made.name}`);
          return made;
        },
      }),
    ]);

    pvc.on('libvirt.domain', (root: Tree, about: About): Tree => {
      const draft = about.edit(root);
      draft.ensure('os/smbios').attributes['mode'] = 'sysinfo';
      const strings = draft.ensure('sysinfo[@type=smbios]/oemStrings');
      strings.children.push(draft.el('entry', {}, `${settings().mark}: ${about.vm.spec.name}`));
      return root;
    });
  },
};

export default hello;

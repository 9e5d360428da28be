// @pvc-plugin {"name":"hello","version":"1.0.0","api":"^1","summary":"greetings, an example of a plugin"}
/*
 * A whole plugin in one file: a kind of object, operations with commands and completion, a task, a health
 * check, a metric, a setting, and a word in the domain of every guest.
 *
 * To try it, on a node and as root:
 *
 *   install -D -m 644 hello-plugin.cjs /etc/pvc/plugins.d/hello-plugin.cjs
 *   # in /etc/pvc/pvc.yaml:
 *   #   plugins:
 *   #     load: [{ path: /etc/pvc/plugins.d/hello-plugin.cjs }]
 *   #     hello: { limit: 3 }
 *   pvc config check && systemctl restart pvcd
 *   pvc plugin show hello
 *   pvc greeting add morning --text 'Good morning' && pvc greeting say morning
 *
 * The first line is read before anything of the file runs. File and directory must belong to root and
 * be writable by nobody else: this code runs as root, in the daemon and in every `pvc` command.
 */
'use strict';

module.exports = {
  name: 'hello',
  api: '^1',

  // Runs in every `pvc` process, so it only says what there is. Work belongs into the hooks.
  apply(pvc) {
    const { z, names, defineKind, defineMutation, defineQuery, defineTask, modelError } = pvc.api;

    // The plugin's section of pvc.yaml: `plugins.hello`.
    pvc.hooks.config.tap(() => [
      z.strictObject({
        limit: z.int().min(1).max(1000).default(10).describe('more greetings than this are too many'),
        mark: z.string().max(64).default('hello from pvc').describe('what guests find in their SMBIOS tables'),
      }),
    ]);

    // An object in the store. Unknown fields are refused; two greetings cannot have one name.
    const greeting = defineKind({
      name: 'greeting',
      plural: 'greetings',
      version: 1,
      id: names.uuid,
      spec: z.strictObject({ name: names.objectName, text: names.oneLine }),
      status: z.null(),
      unique: (spec) => ({ name: [spec.name] }),
      label: (spec) => spec.name,
    });
    pvc.hooks.kinds.tap(() => [greeting]);

    const need = async (view, name) => {
      const doc = await view.find(greeting, 'name', name);
      if (doc === undefined) throw modelError('OBJECT_NOT_FOUND', { kind: 'greeting', id: name });
      return doc;
    };
    const row = z.object({ name: z.string(), text: z.string() });
    const named = z.strictObject({ greeting: names.objectName.describe('name of the greeting') });
    const byName = [{ field: 'greeting', complete: 'greeting' }];

    // Each is a route below /api/v1, a command with help and completion, and a call of the client.
    pvc.hooks.operations.tap(() => [
      defineQuery({
        name: 'greeting.list',
        summary: 'List greetings',
        http: { method: 'GET', path: '/greetings' },
        cli: { command: 'greeting list' },
        role: 'viewer',
        input: z.strictObject({}),
        output: z.array(row),
        run: async ({ view }) => (await view.list(greeting)).map(({ spec }) => spec),
      }),
      defineMutation({
        name: 'greeting.add',
        summary: 'Add a greeting',
        http: { method: 'POST', path: '/greetings' },
        cli: { command: 'greeting add', arguments: [{ field: 'greeting' }], examples: ["pvc greeting add morning --text 'Good morning'"] },
        role: 'operator',
        input: named.extend({ text: names.oneLine.default('Hello').describe('what is said') }),
        output: row,
        // A mutation writes nothing itself: it says what is to be written. `--plan` shows it.
        async plan(plan, context, input) {
          const spec = { name: input.greeting, text: input.text };
          plan.create(greeting, context.uuid(), spec);
          plan.act(`add the greeting ${spec.name}`);
          return spec;
        },
      }),
      defineMutation({
        name: 'greeting.remove',
        summary: 'Remove a greeting',
        http: { method: 'DELETE', path: '/greetings/{greeting}' },
        cli: { command: 'greeting remove', arguments: byName, confirm: 'Remove the greeting {greeting}?' },
        role: 'operator',
        input: named,
        output: row,
        async plan(plan, { view }, input) {
          const doc = await need(view, input.greeting);
          plan.remove(greeting, doc);
          plan.act(`remove the greeting ${doc.spec.name}`);
          return doc.spec;
        },
      }),
      defineMutation({
        name: 'greeting.say',
        summary: 'Say a greeting in the log of this node',
        http: { method: 'POST', path: '/greetings/{greeting}/say' },
        cli: { command: 'greeting say', arguments: byName, waits: true },
        role: 'operator',
        input: named.extend({ times: z.coerce.number().int().min(1).max(100).default(1).describe('how often') }),
        output: row,
        async plan(plan, { view, localNode }, input) {
          const doc = await need(view, input.greeting);
          plan.task({
            action: 'greeting.say',
            target: { kind: 'greeting', id: doc.id, label: doc.spec.name },
            node: localNode,
            input: { text: doc.spec.text, times: input.times },
            timeoutMs: 60_000,
          });
          return doc.spec;
        },
      }),
    ]);

    // What takes time is a task: it can be followed and cancelled, and the next daemon continues it.
    let runtime;
    pvc.hooks.start.tap((given) => {
      runtime = given;
    });
    pvc.hooks.tasks.tap(() => [
      defineTask({
        action: 'greeting.say',
        summary: 'say a greeting',
        async run(task) {
          const { text, times } = task.spec.input;
          for (let said = task.data?.said ?? 0; said < times; said += 1) {
            task.log.info(text);
            await task.advance('saying', { message: `${said + 1} of ${times}`, progress: (said + 1) / times, data: { said: said + 1 } });
            await runtime.host.clock.sleep(100, task.signal);
          }
          return { said: times };
        },
      }),
    ]);

    const count = async () => (await runtime.documents.list(greeting)).length;
    pvc.hooks.health.tap(() => [
      {
        name: 'hello',
        summary: 'not too many greetings',
        intervalMs: 2_000,
        timeoutMs: 5_000,
        async run() {
          const { limit } = runtime.section('hello');
          const found = await count();
          if (found <= limit) return undefined;
          return { severity: 'warning', message: `${found} greetings are more than ${limit}.`, hint: 'Remove some: `pvc greeting remove`.' };
        },
      },
    ]);
    pvc.hooks.metrics.tap(() => [
      {
        name: 'pvc_hello_greetings',
        help: 'Greetings in the store.',
        type: 'gauge',
        labels: [],
        collect: async () => [{ value: await count() }],
      },
    ]);
    // A line of `cluster status`.
    pvc.hooks.counters.tap(async ({ view }) => ({ Greetings: (await view.list(greeting)).length }));

    // A hook of another plugin. The domain is a tree of { name, attributes, children }; it is a copy, so it
    // may be changed, and must be returned. The same guest must give the same tree.
    pvc.on('libvirt.domain', (root, about) => {
      const draft = about.edit(root);
      draft.ensure('os/smbios').attributes.mode = 'sysinfo';
      draft
        .ensure('sysinfo[@type=smbios]/oemStrings')
        .children.push(draft.el('entry', {}, `${runtime.section('hello').mark}: ${about.vm.spec.name}`));
      return root;
    });
  },
};

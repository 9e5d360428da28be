/** A node whose machine is about to go down. @module */
import { defineErrors, defineMutation, names, node, z } from '../../../core/plugin/api.ts';
import { mostShutdownS } from '../leave-task.ts';
import { mostLeaveS } from '../libvirtd.ts';
import { vm } from '../vm-kind.ts';

/** What comes on top of moves and shutdowns. */
const extraS = 120;

const leaveError = defineErrors({
  NODE_CANNOT_LEAVE: {
    message: 'The guests of {node} cannot be brought to safety: {reason}.',
    hint: 'Nothing was changed. See `pvc node list`.',
    http: 409,
    exit: 'refused',
  },
});

export const nodeLeaveOperations = [
  defineMutation({
    name: 'node.leave',
    summary: 'Bring the guests of a node to safety before its machine goes down',
    description:
      'What systemd does by itself when the machine is shut down or rebooted. Guests move away while they run, for as long as `plugins.libvirt.leaveSeconds` says; those that cannot are shut down as `vm shutdown` does, in five minutes at most, and are meant to run on. Nothing is started there any more. Once the machine has booted anew the node is what it was, and its guests come home; `node ready` takes it back before.',
    http: { method: 'POST', path: '/nodes/{node}/leave' },
    cli: {
      command: 'node leave',
      arguments: [{ field: 'node', complete: 'node' }],
      waits: true,
      examples: ['pvc node leave hv2 --plan', 'pvc node leave - # the node that answers'],
    },
    role: 'operator',
    input: z.strictObject({
      node: z.union([names.nodeName, z.literal('-')]).describe('name of the node; - is the one that answers'),
    }),
    output: z.object({ node: z.string(), then: z.enum(['ready', 'flushed']).describe('what it is once it is back') }),
    async plan(plan, { view, localNode }, input) {
      const name = input.node === '-' ? (localNode ?? '-') : input.node;
      const doc = await view.need(node, name);
      const boot = doc.status?.bootId;
      if (boot === undefined || !(await view.alive()).has(name))
        throw leaveError('NODE_CANNOT_LEAVE', { node: name, reason: 'its daemon does not run' });
      const wasReady = doc.spec.domainState === 'ready' || doc.spec.domainState === 'unflush';
      const then = doc.spec.leaving?.then ?? (wasReady ? 'ready' : 'flushed');
      plan.update(node, doc, { ...doc.spec, domainState: 'flush', leaving: { boot, then } });
      plan.task({
        action: 'node.leave',
        // Beside a flush that is under way: it must not keep the machine from being left.
        target: { kind: 'leaving', id: name, label: name },
        node: name,
        input: null,
        timeoutMs: (mostLeaveS + mostShutdownS + extraS) * 1_000,
      });
      const guests = (await view.listAt(vm, name)).filter(({ spec }) => spec.node === name && spec.run === 'running');
      plan.act(`move ${guests.length} guests away from ${name}, and shut down what cannot move`);
      plan.act(`make ${name} ${then} again once its machine has booted anew`);
      return { node: name, then };
    },
  }),
];

/** Errors about guests' domain XML. @module */
import { defineErrors } from '../../../core/plugin/api.ts';

export const domainError = defineErrors({
  VM_XML_MALFORMED: {
    message: 'Line {line}, column {column} of the XML: {reason}',
    hint: 'Correct the XML there and try again; nothing was changed.',
    http: 400,
    exit: 'usage',
  },
  VM_XML_INVALID: {
    message: 'The domain XML of {name} cannot be used: {summary}',
    hint: 'Correct every place that is listed and try again; nothing was changed.',
    http: 400,
    exit: 'usage',
  },
  VM_FLAGS_INVALID: {
    message: 'The guest {name} cannot be made this way: {summary}',
    hint: 'Correct every option that is listed and try again; nothing was changed.',
    http: 400,
    exit: 'usage',
  },
  VM_EDIT_REFUSED: {
    message: 'The XML of {name} may not be changed this way: {summary}',
    hint: 'Put the identity back as it was; use `pvc vm rename` for the name.',
    http: 409,
    exit: 'refused',
  },
  VM_NO_KVM: {
    message: 'The guest {name} insists on KVM, and node {node} has no working KVM.',
    hint: 'Choose a node with KVM, or set the accelerator of the guest to "auto" or "tcg".',
    http: 409,
    exit: 'refused',
  },
  VM_DEVICES_UNRESOLVED: {
    message: 'The guest {name} cannot start: {summary}',
    hint: 'Enable the plugin that provides these networks or volumes (`pvc plugin list`), or remove the devices from the guest.',
    http: 409,
    exit: 'refused',
  },
  VM_DRAFT_BROKEN: {
    message: 'The domain XML of {name} was damaged by a plugin: {reason}',
    hint: 'Disable the plugin that taps `libvirt.domain` and report this to its author.',
    http: 500,
    exit: 'failed',
  },
  VM_MAC_EXHAUSTED: {
    message: 'No free MAC address was found below {prefix} in {tries} tries.',
    hint: 'Give the network card a MAC address yourself.',
    http: 409,
    exit: 'refused',
  },
});

/** "one problem" as it is, several as a count; the details carry each of them. */
export const summarize = (problems: readonly string[]): string =>
  problems.length === 1
    ? (problems[0] as string)
    : `${problems.length} problems, the first is ${problems[0] ?? 'unknown'}`;

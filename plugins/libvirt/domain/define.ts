/**
 * Turns an administrator's domain XML into the typed fields of a guest and a definition that holds
 * everything else. Also takes what `virsh dumpxml` prints of a running domain.
 * @module
 */
import type { Disk, Topology, VmSpec } from '../schema.ts';
import { takeDevices } from './define-devices.ts';
import {
  checkOs,
  checkSingletons,
  type Findings,
  takeAccelerator,
  takeDescription,
  takeMemory,
  takeName,
  takeTopology,
  takeUuid,
  takeVcpus,
} from './define-head.ts';
import { domainError, summarize } from './errors.ts';
import { normalizeLifecycle } from './lifecycle.ts';
import { readMark, removeMark } from './mark.ts';
import type { NicDraft } from './nic.ts';
import { agreementProblems } from './numa.ts';
import { stripRuntime } from './runtime.ts';
import { parseXml, printXml, type XmlElement } from './xml.ts';

/** The fields of a guest that its domain XML decides. */
export interface VmFields {
  name: string;
  description: string;
  accelerator: VmSpec['accelerator'];
  memoryMiB: number;
  vcpus: number;
  topology?: Topology | undefined;
  /** A card without a MAC address gets one by `assignMacs`. */
  nics: NicDraft[];
  disks: Disk[];
  definition: string;
}

export interface DefinedVm {
  /** What the XML gave; undefined leaves the choice to the caller. */
  readonly uuid?: string;
  readonly fields: VmFields;
  /** What was rounded, dropped, added or left as it is, one sentence each. */
  readonly warnings: readonly string[];
}

/** `schema.ts` allows as much. */
const maxDefinitionChars = 256 * 1024;

/**
 * Reads a domain that was parsed already; the tree is not changed.
 * @throws PvcError VM_XML_INVALID with every problem as a detail
 */
export function fromElement(document: XmlElement): DefinedVm {
  if (document.name !== 'domain') {
    const problem = `/${document.name}: the root element must be <domain>`;
    throw domainError('VM_XML_INVALID', { name: 'the guest', summary: problem }, { details: [problem] });
  }
  const root = stripRuntime(document);
  const findings: Findings = { problems: [], warnings: [], ours: readMark(root)?.version !== undefined };
  checkSingletons(root, findings);
  const name = takeName(root, findings);
  const uuid = takeUuid(root, findings);
  const description = takeDescription(root, findings);
  const accelerator = takeAccelerator(root, findings);
  removeMark(root);
  const memoryMiB = takeMemory(root, findings);
  const vcpus = takeVcpus(root, findings);
  const topology = takeTopology(root, findings);
  checkOs(root, findings);
  normalizeLifecycle(root, findings.warnings);
  const { nics, disks } = takeDevices(root, findings);
  const measures = { memoryMiB, vcpus, ...(topology === undefined ? {} : { topology }) };
  findings.problems.push(...agreementProblems(measures, root));
  const definition = printXml(root);
  if (definition.length > maxDefinitionChars)
    findings.problems.push(
      `/domain: what PVC does not manage has ${definition.length} characters; ${maxDefinitionChars} are allowed`,
    );
  if (findings.problems.length > 0) {
    throw domainError(
      'VM_XML_INVALID',
      { name: name === '' ? 'the guest' : name, summary: summarize(findings.problems) },
      { details: findings.problems },
    );
  }
  const fields: VmFields = { name, description, accelerator, ...measures, nics, disks, definition };
  return { ...(uuid === undefined ? {} : { uuid }), fields, warnings: findings.warnings };
}

/**
 * Reads an administrator's domain XML.
 * @throws PvcError VM_XML_MALFORMED with line and column, VM_XML_INVALID with every problem as a detail
 */
export const fromXml = (text: string): DefinedVm => fromElement(parseXml(text));

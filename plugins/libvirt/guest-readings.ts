/**
 * What was understood of each guest at the last look. Every guest is looked at again each minute, and next to nothing has
 * changed by then: reading what libvirt prints and comparing it with what is wanted is by far the greatest part of it.
 * @module
 */
import { type DeviceDiff, diffDevices } from './domain/device-diff.ts';
import { readMark } from './domain/mark.ts';
import { viewDomain } from './domain/view.ts';
import { parseXml, type XmlElement } from './domain/xml.ts';

/** What libvirt prints of a guest. */
export interface LiveReading {
  readonly text: string;
  readonly xml: XmlElement;
  readonly view: ReturnType<typeof viewDomain>;
  readonly mark: ReturnType<typeof readMark>;
}

/** What a guest was started from. */
export interface StartReading {
  readonly text: string;
  readonly xml: XmlElement;
  readonly notes: readonly string[];
}

interface Comparison {
  readonly started: XmlElement | undefined;
  readonly live: XmlElement;
  readonly wanted: string;
  readonly diff: DeviceDiff;
}

/** The same text gives the same trees again: they are for reading only, whoever changes one works on a copy. */
export class GuestReadings {
  readonly #live = new Map<string, LiveReading>();
  readonly #started = new Map<string, StartReading>();
  readonly #compared = new Map<string, Comparison>();

  /** @throws PvcError VM_XML_MALFORMED */
  live(uuid: string, text: string): LiveReading {
    const known = this.#live.get(uuid);
    if (known?.text === text) return known;
    const xml = parseXml(text);
    const reading = { text, xml, view: viewDomain(xml), mark: readMark(xml) };
    this.#live.set(uuid, reading);
    return reading;
  }

  /** @param text as `GuestControl` keeps it. @throws Error when it is no such record */
  started(uuid: string, text: string): StartReading {
    const known = this.#started.get(uuid);
    if (known?.text === text) return known;
    const record = JSON.parse(text) as { text: string; notes: string[] };
    const reading = { text, xml: parseXml(record.text), notes: record.notes };
    this.#started.set(uuid, reading);
    return reading;
  }

  /** What is to be done to a running guest. @throws PvcError VM_XML_MALFORMED */
  differences(uuid: string, started: XmlElement | undefined, live: XmlElement, wanted: string): DeviceDiff {
    const known = this.#compared.get(uuid);
    if (known !== undefined && known.started === started && known.live === live && known.wanted === wanted)
      return known.diff;
    const diff = diffDevices({ startedFrom: started, wanted: parseXml(wanted), live });
    this.#compared.set(uuid, { started, live, wanted, diff });
    return diff;
  }

  /** The guest is not here any more. */
  forget(uuid: string): void {
    this.#live.delete(uuid);
    this.#started.delete(uuid);
    this.#compared.delete(uuid);
  }
}

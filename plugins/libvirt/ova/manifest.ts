/** The manifest of an OVF package: a line `SHA256(disk1.vmdk)= 0123…` for each file (DSP0243, section "OVF package"). Pure. @module */

export interface ListedSum {
  readonly algorithm: 'sha1' | 'sha256' | 'sha512';
  /** Hexadecimal, in small letters. */
  readonly sum: string;
}

const line = /^(SHA1|SHA256|SHA512)\s*\((.+)\)\s*=\s*([0-9a-fA-F]+)$/;
const lengths = { sha1: 40, sha256: 64, sha512: 128 } as const;

/** @returns what each file must come to, by its name, or what is wrong */
export function readSums(text: string): ReadonlyMap<string, ListedSum> | { readonly problem: string } {
  const sums = new Map<string, ListedSum>();
  for (const [at, said] of text.split(/\r?\n/).entries()) {
    if (said.trim() === '') continue;
    const [, name = '', file = '', sum = ''] = line.exec(said.trim()) ?? [];
    const algorithm = name.toLowerCase() as ListedSum['algorithm'];
    if (name === '' || sum.length !== lengths[algorithm])
      return { problem: `line ${at + 1} of its manifest is no checksum` };
    sums.set(file, { algorithm, sum: sum.toLowerCase() });
  }
  return sums;
}

/** The scripts that iPXE is given (https://ipxe.org/scripting). Pure. @module */
import { bootQuery } from './boot-request.ts';

/** Until it is told anew what to do. Seconds. */
const pauseS = 10;
/** So often nobody answers, each time three seconds after the last; then the firmware goes on, too. */
const mostUnanswered = 100;
/** So often it asks in vain; then the firmware goes on with what it would boot otherwise. Five minutes. */
const mostAsked = 30;

/** Whatever stands in the text, it is one line that says something. `$` and `&` mean something to iPXE. */
const say = (text: string): string => `echo ${text.replace(/[^A-Za-z0-9 .,:;/()_+-]+/g, ' ').slice(0, 150)}`;

/**
 * Asks for its script, again and again while nobody answers: the primary may just have gone.
 * @param base `http://10.9.0.1:7380`
 */
const ask = (base: string, asked: number): string[] => [
  'set lost:int32 0',
  ':ask',
  `chain --replace ${base}/machine.ipxe?${bootQuery}&asked=${asked} || goto wait`,
  ':wait',
  say('The primary does not answer; asking again'),
  'sleep 3',
  'inc lost',
  `iseq \${lost} ${mostUnanswered} && exit 1 || goto ask`,
];

const script = (lines: readonly string[]): string => `${['#!ipxe', ...lines].join('\n')}\n`;

/** The one that every machine gets: tell what it is. */
export const firstScript = (base: string): string =>
  script([say('PVC: asking the cluster what to do'), ...ask(base, 0)]);

/** Wait, and ask again. After some minutes the firmware goes on: a server with a system of its own is not kept from it. */
export function waitScript(base: string, lines: readonly string[], asked: number): string {
  if (asked >= mostAsked)
    return script([...lines.map(say), say('PVC: nothing to boot; going on with the next boot device'), 'exit 1']);
  return script([...lines.map(say), `sleep ${pauseS}`, ...ask(base, asked + 1)]);
}

/** Nothing is to be booted here: go on as without the network. */
export const exitScript = (lines: readonly string[]): string => script([...lines.map(say), 'exit 1']);

/** Words of the kernel's command line by which the image finds its way. */
export interface BootWords {
  readonly mac: string;
  /** Shows that it is this boot of this machine. */
  readonly word: string;
}

/**
 * Fetches kernel and initramfs and starts them. What is cut off, as by a change of the primary, is begun again; in the end
 * it asks anew, which counts as a failed boot.
 */
export const bootScript = (base: string, { mac, word }: BootWords): string =>
  script([
    say(`PVC: booting ${mac}`),
    'set tries:int32 0',
    ':fetch',
    'imgfree',
    `kernel ${base}/files/vmlinuz initrd=initrd.img boot=pvc pvc.from=${base} pvc.mac=${mac} pvc.word=${word} BOOTIF=01-${mac.replaceAll(':', '-')} console=tty0 console=ttyS0,115200 || goto again`,
    `initrd --name initrd.img ${base}/files/initrd.img || goto again`,
    'boot || goto again',
    ':again',
    'inc tries',
    'iseq ${tries} 20 && goto ask ||',
    say('Not all of it came; trying again'),
    'sleep 3',
    'goto fetch',
    ...ask(base, 0),
  ]);

/**
 * What a test of bad input needs: the stored state as one word, so that "nothing was changed" is looked
 * up and not believed, and the kinds of bad input for the command line and the API.
 * @module
 */
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathOn } from '../lab/exec.ts';
import type { TestLab } from './test-lab.ts';

export const storePath = '/var/lib/pvc/store.sqlite';

/**
 * A copy of the node's store: SQLite follows no path into another mount namespace. Disposing of it removes it.
 */
async function copyStore(lab: TestLab): Promise<{ readonly path: string } & Disposable> {
  const directory = mkdtempSync(join(tmpdir(), 'pvc-store-'));
  const path = join(directory, 'store.sqlite');
  const source = await pathOn(lab.record, 'hv1', storePath);
  for (const suffix of ['', '-wal'])
    if (existsSync(`${source}${suffix}`)) copyFileSync(`${source}${suffix}`, `${path}${suffix}`);
  return { path, [Symbol.dispose]: () => rmSync(directory, { recursive: true }) };
}

async function digestNow(lab: TestLab): Promise<string> {
  using copy = await copyStore(lab);
  using database = new DatabaseSync(copy.path);
  const rows = database
    .prepare(
      `SELECT key, value, version, birth FROM entry
       WHERE (key LIKE '%/spec' OR key LIKE '/claim/%' OR key LIKE '/task/%') AND key NOT LIKE '/fault/%' ORDER BY key`,
    )
    .all();
  return `${rows.length} entries ${createHash('sha256').update(JSON.stringify(rows)).digest('hex').slice(0, 16)}`;
}

/**
 * Everything that operations write: specs, claims, tasks, tokens and the audit log. What the daemon itself
 * observes (status of nodes and guests, faults, the primary's key) changes by itself and is left out.
 */
export async function storeDigest(lab: TestLab): Promise<string> {
  // Files that are copied while the daemon writes may not belong together; what is seen twice does.
  for (let last = await digestNow(lab); ; ) {
    const now = await digestNow(lab);
    if (now === last) return now;
    last = now;
  }
}

/** Changes the store behind the product's back; its daemon must not run. */
export async function editStore(lab: TestLab, edit: (database: DatabaseSync) => void): Promise<void> {
  using copy = await copyStore(lab);
  const database = new DatabaseSync(copy.path);
  edit(database);
  // Closing writes the log back into the file.
  database.close();
  const target = await pathOn(lab.record, 'hv1', storePath);
  for (const suffix of ['-wal', '-shm']) rmSync(`${target}${suffix}`, { force: true });
  copyFileSync(copy.path, target);
}

const guestXml = (
  more: {
    readonly name?: string;
    readonly uuid?: string;
    readonly mac?: string;
    readonly devices?: string;
    readonly memory?: string;
    readonly rest?: string;
  } = {},
): string =>
  [
    "<domain type='qemu'>",
    `  <name>${more.name ?? 'new'}</name>`,
    `  <uuid>${more.uuid ?? '11111111-2222-4333-8444-555555555555'}</uuid>`,
    `  <memory unit='MiB'>${more.memory ?? '160'}</memory>`,
    '  <vcpu>1</vcpu>',
    "  <os><type arch='x86_64' machine='pc'>hvm</type></os>",
    more.rest ?? '',
    '  <devices>',
    `    <interface type='bridge'><mac address='${more.mac ?? '52:54:00:00:99:99'}'/><source bridge='brupstream'/></interface>`,
    more.devices ?? '',
    '  </devices>',
    '</domain>',
    '',
  ].join('\n');

/** The guest that runs while all of this is tried. */
export const runningGuest = { name: 'web1', uuid: '5b1f0d0c-5d3c-4f0b-9a76-0d1f6a7c1e01', mac: '52:54:00:00:77:01' };
export const runningGuestXml = guestXml({
  ...runningGuest,
  rest: '',
}).replace(
  "<type arch='x86_64' machine='pc'>hvm</type>",
  "<type arch='x86_64' machine='pc'>hvm</type><kernel>/var/lib/pvc-guest/vmlinuz</kernel><initrd>/var/lib/pvc-guest/initrd</initrd><cmdline>console=ttyS0 quiet</cmdline>",
);

export const directory = '/root/bad';
const entities = Array.from({ length: 9 }, (_, n) => `<!ENTITY e${n + 1} "${`&e${n};`.repeat(10)}">`).join('');

/** Files of bad XML and bad userdata, by name. */
export const badFiles: Readonly<Record<string, string>> = {
  'good.xml': guestXml(),
  'malformed.xml': '<domain>\n  <name>x</nam>\n</domain>\n',
  'network.xml': '<network><name>x</name></network>\n',
  'same-uuid.xml': guestXml({ uuid: runningGuest.uuid }),
  'same-name.xml': guestXml({ name: runningGuest.name }),
  'same-mac.xml': guestXml({ mac: runningGuest.mac }),
  'twice-mac.xml': guestXml({
    devices: "<interface type='bridge'><mac address='52:54:00:00:99:99'/><source bridge='b'/></interface>",
  }),
  'bad-uuid.xml': guestXml({ uuid: 'not-a-uuid' }),
  'bad-name.xml': guestXml({ name: '../etc/passwd' }),
  'no-memory.xml': guestXml({ memory: '0' }),
  'bad-target.xml': guestXml({
    devices: "<disk type='file'><source file='/a'/><target dev='nonsense' bus='virtio'/></disk>",
  }),
  'bad-bus.xml': guestXml({ devices: "<disk type='file'><source file='/a'/><target dev='vda' bus='warp'/></disk>" }),
  'empty.xml': '',
  'binary.xml': '\u007fELF\u0002\u0001\u0001\u0000\u0000\u0000\u0003\u0000>\u0000\u0001',
  'control.xml': guestXml({ rest: '  <title>\u0001</title>' }),
  'bomb.xml': `<?xml version="1.0"?><!DOCTYPE d [<!ENTITY e0 "aaaaaaaaaa">${entities}]><domain type="kvm"><name>&e9;</name></domain>`,
  'external.xml':
    '<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/shadow">]><domain><name>x</name><description>&a;</description></domain>',
  'deep.xml': `<domain>${'<a>'.repeat(50_000)}${'</a>'.repeat(50_000)}</domain>`,
  'broken.yaml': '#cloud-config\npackages: [nginx\nusers: []\n',
  'twice.yaml': '#cloud-config\nhostname: a\nhostname: b\n',
  'unmarked.yaml': 'packages: [nginx]\n',
  'large.xml': guestXml({ rest: `<description>${'x'.repeat(2 << 20)}</description>` }),
};

const inDirectory = (name: string): string => `${directory}/${name}`;
const define = (name: string, ...more: string[]): string[] => ['vm', 'define', inDirectory(name), ...more];
const create = (...more: string[]): string[] => ['vm', 'create', 'new', ...more];
const long = 'a'.repeat(70);

export interface BadCommand {
  readonly what: string;
  readonly args: readonly string[];
  /** Exit code: see `core/error/error.ts`. */
  readonly exit: number;
  readonly code: string;
  /** In the message or in its details. */
  readonly says: RegExp;
}
const bad = (what: string, args: readonly string[], exit: number, code: string, says: RegExp): BadCommand => ({
  what,
  args,
  exit,
  code,
  says,
});

export const badCommands: readonly BadCommand[] = [
  bad('malformed XML', define('malformed.xml'), 2, 'VM_XML_MALFORMED', /Line 2, column 10/),
  bad('XML that is no domain', define('network.xml'), 2, 'VM_XML_INVALID', /must be <domain>/),
  bad('a UUID that is taken', define('same-uuid.xml'), 5, 'OBJECT_EXISTS', /UUID 5b1f0d0c-.*web1/),
  bad('a name that is taken', define('same-name.xml'), 5, 'OBJECT_EXISTS', /name web1/),
  bad('a MAC address that is taken', define('same-mac.xml'), 5, 'OBJECT_EXISTS', /52:54:00:00:77:01/),
  bad('a MAC address twice in a guest', define('twice-mac.xml'), 2, 'VM_XML_INVALID', /52:54:00:00:99:99/),
  bad('a UUID that is none', define('bad-uuid.xml'), 2, 'VM_XML_INVALID', /uuid/i),
  bad('a path as a name in XML', define('bad-name.xml'), 2, 'VM_XML_INVALID', /name/),
  bad('no memory in XML', define('no-memory.xml'), 2, 'VM_XML_INVALID', /memory/),
  bad('a disk target that is none', define('bad-target.xml'), 2, 'VM_XML_INVALID', /target/),
  bad('a disk bus that is none', define('bad-bus.xml'), 2, 'VM_XML_INVALID', /bus/),
  bad('an empty file', define('empty.xml'), 2, 'OPTION_INVALID', /FILE/),
  bad('a binary file', define('binary.xml'), 2, 'VM_XML_MALFORMED', /character U\+/),
  bad('a control character in XML', define('control.xml'), 2, 'VM_XML_MALFORMED', /Line \d+, column \d+.*U\+0001/),
  bad('a bomb of entities', define('bomb.xml'), 2, 'VM_XML_MALFORMED', /entity definition is refused/),
  bad('an entity from a file', define('external.xml'), 2, 'VM_XML_MALFORMED', /entity definition is refused/),
  bad('XML too deep', define('deep.xml'), 2, 'VM_XML_MALFORMED', /nested/),
  bad('XML too large', define('large.xml'), 2, 'OPTION_INVALID', /FILE/),
  bad('a file that is not there', define('nowhere.xml'), 2, 'INPUT_FILE', /no such file/),
  bad('a directory as a file', ['vm', 'define', '/tmp'], 2, 'INPUT_FILE', /directory/),
  bad('an unknown node', define('good.xml', '--node', 'nowhere'), 3, 'OBJECT_NOT_FOUND', /no node nowhere/),
  bad('an unknown guest', ['vm', 'start', 'nobody'], 3, 'VM_NOT_FOUND', /no guest nobody/),
  bad('a path as a name', ['vm', 'create', '../../etc/passwd'], 2, 'OPTION_INVALID', /NAME: a name is/),
  bad('a slash in a name', ['vm', 'create', 'a/b'], 2, 'OPTION_INVALID', /NAME: a name is/),
  bad('a line feed in a name', ['vm', 'create', 'a\nb'], 2, 'OPTION_INVALID', /NAME: a name is/),
  bad('an escape sequence in a name', ['vm', 'create', 'a\u001b[31mb'], 2, 'OPTION_INVALID', /NAME: a name is/),
  bad('a command in a name', ['vm', 'create', '$(reboot)'], 2, 'OPTION_INVALID', /NAME: a name is/),
  bad('an option as a name', ['vm', 'create', '--', '-x'], 2, 'OPTION_INVALID', /NAME: a name is/),
  bad('a name too long', ['vm', 'create', long], 2, 'OPTION_INVALID', /1 to 63/),
  bad('an empty name', ['vm', 'create', ''], 2, 'OPTION_INVALID', /NAME/),
  bad('memory 0', create('--memory', '0'), 2, 'OPTION_INVALID', /--memory/),
  bad('memory that is no number', create('--memory', 'lots'), 2, 'OPTION_INVALID', /--memory.*"lots"/),
  bad('more memory than can be', create('--memory', '99999999999'), 2, 'OPTION_INVALID', /--memory.*at most/),
  bad('more memory than a node has', create('--memory', '900GiB'), 4, 'VM_NO_NODE', /hv1: it has \d+ MiB/),
  bad('0 vCPUs', create('--vcpus', '0'), 2, 'OPTION_INVALID', /--vcpus/),
  bad('half a vCPU', create('--vcpus', '1.5'), 2, 'OPTION_INVALID', /--vcpus.*whole/),
  bad(
    'a topology that does not fit',
    create('--vcpus', '4', '--topology', 'sockets=1,cores=2,threads=1'),
    2,
    'VM_FLAGS_INVALID',
    /make 2 vCPUs, but --vcpus says 4/,
  ),
  bad(
    'a MAC address that is none',
    create('--nic', 'br0,mac=52:54:zz:00:00:01'),
    2,
    'OPTION_INVALID',
    /a MAC address is/,
  ),
  bad('a multicast MAC address', create('--nic', 'br0,mac=ff:ff:ff:ff:ff:ff'), 2, 'OPTION_INVALID', /not a multicast/),
  bad('a bridge with a name too long', create('--nic', 'averyveryverylongbridge'), 2, 'OPTION_INVALID', /1 to 15/),
  bad('a disk path that is relative', create('--disk', 'disk.img'), 2, 'OPTION_INVALID', /an absolute path/),
  bad(
    'a disk path that leads upwards',
    create('--disk', '/var/lib/../../etc/shadow'),
    2,
    'OPTION_INVALID',
    /without "\.\."/,
  ),
  bad('an unknown part of a disk', create('--disk', '/a.img,colour=red'), 2, 'OPTION_INVALID', /no "colour" in it/),
  bad(
    'a disk bus that is none, by option',
    ['vm', 'disk', 'add', runningGuest.name, '/a.img', '--bus', 'warp'],
    2,
    'OPTION_INVALID',
    /--bus/,
  ),
  bad('a disk of nothing', ['vm', 'disk', 'add', runningGuest.name], 2, 'VM_DEVICE_INPUT', /exactly one of/),
  bad(
    'an initial RAM disk without a kernel',
    create('--initrd', '/x'),
    2,
    'VM_FLAGS_INVALID',
    /--initrd needs --kernel/,
  ),
  bad(
    'userdata that is no YAML',
    ['provisioner', 'userdata', 'add', 'new', inDirectory('broken.yaml')],
    2,
    'USERDATA_UNFIT',
    /line \d+, column \d+/,
  ),
  bad(
    'userdata with a key twice',
    ['provisioner', 'userdata', 'add', 'new', inDirectory('twice.yaml')],
    2,
    'USERDATA_UNFIT',
    /line 3, column 1: Map keys must be unique/,
  ),
  bad(
    'userdata of no form that cloud-init knows',
    ['provisioner', 'userdata', 'add', 'new', inDirectory('unmarked.yaml')],
    2,
    'USERDATA_UNFIT',
    /neither #cloud-config nor/,
  ),
  bad(
    'a profile of a template that is not there',
    ['provisioner', 'profile', 'add', 'new', '--system', 'nowhere', '--storage', 'nowhere'],
    3,
    'OBJECT_NOT_FOUND',
    /no system-template nowhere/,
  ),
  bad(
    'a disk of an image that is not there',
    ['provisioner', 'template', 'storage', 'add', 'new', '--disk', 'pool=vms,image=nowhere'],
    3,
    'OBJECT_NOT_FOUND',
    /no image nowhere/,
  ),
  bad(
    'a disk of nothing in a template',
    ['provisioner', 'template', 'storage', 'add', 'new', '--disk', 'pool=vms'],
    2,
    'PROVISION_INPUT',
    /needs a size/,
  ),
  bad(
    'an image of a volume that is not there',
    ['provisioner', 'image', 'add', 'new', 'vms/nowhere'],
    3,
    'OBJECT_NOT_FOUND',
    /no volume vms\/nowhere/,
  ),
  bad('an unknown command', ['frobnicate'], 2, 'USAGE', /Unknown command 'frobnicate'/),
  bad('an unknown command of a group', ['vm', 'frobnicate'], 2, 'USAGE', /Unknown command/),
  bad('an unknown option', ['vm', 'list', '--frobnicate'], 2, 'USAGE', /Unknown option '--frobnicate'/),
  bad('a missing argument', ['vm', 'info'], 2, 'USAGE', /Missing required argument 'VM'/),
  bad('an argument too many', ['vm', 'info', 'a', 'b'], 2, 'USAGE', /Too many arguments/),
  bad('two connections at once', ['vm', 'list', '--url', 'https://x', '--socket', '/x'], 2, 'USAGE', /contradict/),
  bad(
    'an unknown connection',
    ['vm', 'list', '--connection', 'nobody'],
    3,
    'CONNECTION_UNKNOWN',
    /no connection nobody/,
  ),
  bad(
    'a configuration file that is not there',
    ['vm', 'list', '--config', '/nowhere.yaml'],
    2,
    'CONFIG_MISSING',
    /\/nowhere\.yaml/,
  ),
  bad('undefining without being asked', ['vm', 'undefine', runningGuest.name], 2, 'CONFIRMATION_NEEDED', /web1/),
  bad('undefining a guest that runs', ['vm', 'undefine', runningGuest.name, '--yes'], 4, 'VM_RUNNING', /web1 runs/),
  bad(
    'a change to a version that is old',
    ['vm', 'modify', runningGuest.name, '--file', inDirectory('good.xml'), '--expect', '99'],
    5,
    'VM_VERSION',
    /at version \d+, .* 99/,
  ),
  bad('renaming a guest that runs', ['vm', 'rename', runningGuest.name, 'other'], 4, 'VM_RUNNING', /needs it stopped/),
  bad('the console of a guest that is stopped', ['vm', 'console', 'web2'], 4, 'VM_NOT_RUNNING', /does not run/),
  bad('a reset of a guest that is stopped', ['vm', 'reset', 'web2', '--yes'], 4, 'VM_NOT_RUNNING', /does not run/),
  bad('a task that is none', ['task', 'show', '../x'], 2, 'OPTION_INVALID', /a task id is/),
  bad('a task that is not there', ['task', 'show', '0123456789abcdef'], 3, 'OBJECT_NOT_FOUND', /no task/),
  bad(
    'a role that is none',
    ['token', 'create', 'x', '--role', 'root'],
    2,
    'OPTION_INVALID',
    /viewer, operator, admin/,
  ),
  bad('a fault that is not there', ['fault', 'ack', 'nothing'], 3, 'OBJECT_NOT_FOUND', /no fault nothing/),
  bad('a second cluster', ['cluster', 'init'], 4, 'DAEMON_RUNNING', /pid \d+/),
  bad('a second daemon', ['daemon'], 4, 'DAEMON_RUNNING', /pid \d+/),
];

export interface BadRequest {
  readonly what: string;
  /** Arguments of curl; the path is below the API's address. */
  readonly curl: readonly string[];
  readonly path: string;
  readonly status: number;
  readonly code: string;
  readonly says?: RegExp;
}
const json = ['-H', 'Content-Type: application/json'];
const post = (body: string): string[] => [...json, '-d', body];
const request = (
  what: string,
  curl: readonly string[],
  path: string,
  status: number,
  code: string,
  says?: RegExp,
): BadRequest => ({
  what,
  curl,
  path,
  status,
  code,
  ...(says === undefined ? {} : { says }),
});

/** Through the socket, where the caller may do everything. */
export const badRequests: readonly BadRequest[] = [
  request('an unknown route', [], '/api/v1/nothing', 404, 'ROUTE_UNKNOWN'),
  request('a path outside of the API', ['--path-as-is'], '/api/v1/../../etc/passwd', 404, 'ROUTE_UNKNOWN'),
  request('a wrong method', ['-X', 'PATCH'], '/api/v1/vms', 405, 'METHOD_WRONG', /only GET/),
  request('malformed JSON', post('{"xml":'), '/api/v1/vms', 400, 'JSON_MALFORMED', /line 1, column/),
  request('JSON that is a list', post('[1]'), '/api/v1/vms', 400, 'JSON_MALFORMED', /expected an object/),
  request(
    'JSON too deep',
    post(`{"xml":${'['.repeat(500)}${']'.repeat(500)}}`),
    '/api/v1/vms',
    400,
    'JSON_MALFORMED',
    /levels/,
  ),
  request('an unknown field', post('{"xml":"<domain/>","colour":1}'), '/api/v1/vms', 422, 'INPUT_INVALID', /colour/),
  request('a field of the wrong type', post('{"xml":7}'), '/api/v1/vms', 422, 'INPUT_INVALID', /xml/),
  request('a missing field', post('{}'), '/api/v1/vms', 422, 'INPUT_INVALID', /xml/),
  request(
    'a prototype in JSON',
    post('{"xml":"<domain/>","__proto__":{"role":"admin"}}'),
    '/api/v1/vms',
    422,
    'INPUT_INVALID',
    /__proto__/,
  ),
  request(
    'a wrong content type',
    ['-H', 'Content-Type: text/plain', '-d', 'x'],
    '/api/v1/vms',
    415,
    'CONTENT_TYPE_WRONG',
  ),
  request(
    'a body too large',
    [...json, '--data-binary', `@${inDirectory('large.xml')}`],
    '/api/v1/vms',
    413,
    'BODY_TOO_LARGE',
  ),
  request(
    'a body too large that does not say so',
    [...json, '-H', 'Transfer-Encoding: chunked', '--data-binary', `@${inDirectory('large.xml')}`],
    '/api/v1/vms',
    413,
    'BODY_TOO_LARGE',
  ),
  request('an unknown query field', [], '/api/v1/vms?colour=red', 422, 'INPUT_INVALID', /colour/),
  request(
    'a path inside a name',
    ['--path-as-is'],
    '/api/v1/vms/..%2f..%2fetc',
    422,
    'INPUT_INVALID',
    /name or the UUID/,
  ),
  request('a zero byte in a name', [], '/api/v1/vms/a%00b', 422, 'INPUT_INVALID'),
  request('a broken escape', [], '/api/v1/vms/%zz', 422, 'INPUT_INVALID'),
  request('a plan that is neither yes nor no', post('{"xml":"<domain/>"}'), '/api/v1/vms?plan=maybe', 400, 'PLAN_FLAG'),
  request('a console without a WebSocket', [], `/api/v1/vms/${runningGuest.name}/console`, 426, 'UPGRADE_NEEDED'),
  request('an unknown guest', [], '/api/v1/vms/nobody', 404, 'VM_NOT_FOUND'),
];

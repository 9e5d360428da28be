/**
 * What a Redfish service's answers mean. Pure. Sources: DMTF DSP0266 (Redfish Specification: status
 * codes, error responses, links, actions, `@Redfish.ActionInfo` and `@Redfish.AllowableValues`) and DSP2046 (Redfish
 * Resource and Schema Guide: ComputerSystem with `PowerState` and `Reset`, ActionInfo).
 * @module
 */
import { type Power, z } from '../../core/plugin/api.ts';

type Trouble =
  | 'BMC_UNREACHABLE'
  | 'BMC_DENIED'
  | 'BMC_PRIVILEGE'
  | 'BMC_CERTIFICATE'
  | 'BMC_SYSTEM'
  | 'BMC_BUSY'
  | 'BMC_FAILED';

/** Why a BMC did not do what it was asked; whoever knows which BMC it is makes core's error of it. */
export class Refused extends Error {
  readonly code: Trouble;

  constructor(code: Trouble, reason: string) {
    super(reason);
    this.name = 'Refused';
    this.code = code;
  }
}

export type Order = Power | 'reset';

/** As long as one line bears, and nothing that would play with a terminal. */
const plain = (text: string): string =>
  text
    .replace(/[^\u0020-\u007e]+/g, ' ')
    .trim()
    .slice(0, 200);

/** Why curl got no answer; EXIT CODES in curl(1). */
export function curlTrouble(code: number | null, stderr: string): Refused {
  const known: Readonly<Record<number, Refused>> = {
    6: new Refused('BMC_UNREACHABLE', 'its name is not known here'),
    7: new Refused('BMC_UNREACHABLE', 'no connection could be opened'),
    18: new Refused('BMC_UNREACHABLE', 'it closed the connection in the middle of its answer'),
    28: new Refused('BMC_UNREACHABLE', 'no answer in time'),
    35: new Refused('BMC_UNREACHABLE', 'it does not speak TLS 1.2 or newer there'),
    52: new Refused('BMC_UNREACHABLE', 'it closed the connection without an answer'),
    56: new Refused('BMC_UNREACHABLE', 'the connection broke'),
    60: new Refused('BMC_CERTIFICATE', 'no authority that this node trusts vouches for its certificate'),
    90: new Refused('BMC_CERTIFICATE', 'its key is not the pinned one'),
  };
  const said = plain(stderr.replace(/^curl: \(\d+\) /, ''));
  return known[code ?? -1] ?? new Refused('BMC_FAILED', said === '' ? `curl ended with ${code} and no reason` : said);
}

/** The "extended information" of an error (DSP0266, error responses). */
const messages = z.array(
  z.object({ MessageId: z.string().catch(''), Message: z.string().catch(''), Resolution: z.string().catch('') }),
);
const errorBody = z.object({
  error: z.object({ message: z.string().catch(''), '@Message.ExtendedInfo': messages.catch([]) }),
});

function saidIn(text: string): { readonly ids: readonly string[]; readonly words: string } {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    // Pages for people come with errors, too; their status tells enough.
    return { ids: [], words: '' };
  }
  const { data } = errorBody.safeParse(body);
  const more = data?.error['@Message.ExtendedInfo'] ?? [];
  const words = more.find(({ Message }) => Message !== '')?.Message ?? data?.error.message ?? '';
  return { ids: more.map(({ MessageId }) => MessageId), words: plain(words).replace(/\.$/, '') };
}

/** Why the status of an answer is none of success; undefined: it is. */
export function httpTrouble(status: number, path: string, text: string): Refused | undefined {
  if (status >= 200 && status < 300) return undefined;
  const { ids, words } = saidIn(text);
  const told = (reason: string): string => `${reason} (HTTP ${status}${words === '' ? '' : `: ${words}`})`;
  if (status === 401)
    return new Refused('BMC_DENIED', told('the user or the password is wrong, or the user is locked'));
  if (status === 403)
    // OpenBMC lets a user with an expired password do nothing but change it.
    return ids.some((id) => id.endsWith('.PasswordChangeRequired'))
      ? new Refused('BMC_DENIED', told('the user has to change the password first'))
      : new Refused('BMC_PRIVILEGE', told('it forbids that'));
  if (status >= 300 && status < 400)
    return new Refused('BMC_FAILED', told(`it sends ${path} elsewhere, where the password is not taken`));
  if (status === 404 || status === 410)
    return new Refused(
      'BMC_FAILED',
      told(path === servicePath ? 'it has no Redfish service, or that is switched off' : `it has no ${path}`),
    );
  if (status === 429 || status === 503) return new Refused('BMC_BUSY', told('it works on something else'));
  if (status >= 500) return new Refused('BMC_FAILED', told('an error of its own'));
  return new Refused('BMC_FAILED', told('it refuses that'));
}

/** Where every Redfish service begins (DSP0266, the service root). */
export const servicePath = '/redfish/v1/';

/**
 * A place that the service names. Only a path of the service itself: the password must not follow a link to elsewhere,
 * and the text becomes a line of curl's configuration.
 */
const link = z
  .string()
  .max(512)
  .regex(/^\/redfish\/v1\/[\w.~!$&'()*+,;=:@%/?-]*$/)
  .refine((path) => !path.split('/').includes('..'));
const reference = z.object({ '@odata.id': link });

const root = z.object({ Systems: reference });
const collection = z.object({ Members: z.array(reference), 'Members@odata.nextLink': link.optional() });
const resetAction = z.object({
  target: link,
  'ResetType@Redfish.AllowableValues': z.array(z.string()).optional(),
  '@Redfish.ActionInfo': link.optional(),
});
const powered = z.object({ PowerState: z.enum(['On', 'Off', 'PoweringOn', 'PoweringOff', 'Paused']) });
const resettable = z.object({ Actions: z.object({ '#ComputerSystem.Reset': resetAction }) });
const actionInfo = z.object({
  Parameters: z.array(z.object({ Name: z.string(), AllowableValues: z.array(z.string()).optional() })),
});

function readAs<T>(shape: z.ZodType<T>, body: unknown, reason: string): T {
  const { data, success } = shape.safeParse(body);
  if (!success) throw new Refused('BMC_FAILED', reason);
  return data;
}

/** @throws Refused when it is no JSON object */
export function bodyOf(text: string, path: string): unknown {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === 'object' && body !== null) return body;
  } catch {
    // The same as JSON that is no object.
  }
  throw new Refused('BMC_FAILED', `what it answers for ${path} is not JSON`);
}

/** Where the systems are listed. @throws Refused */
export const systemsIn = (service: unknown): string =>
  readAs(root, service, 'its Redfish service tells of no systems').Systems['@odata.id'];

/** The members of one page of the list, and the next page. @throws Refused */
export function membersIn(body: unknown): { readonly paths: readonly string[]; readonly next: string | undefined } {
  const { Members, 'Members@odata.nextLink': next } = readAs(collection, body, 'its list of systems cannot be read');
  return { paths: Members.map((member) => member['@odata.id']), next };
}

/** The `Id` of a member is the last part of its path (DSP0266, "Redfish-defined URIs"). */
function idOf(path: string): string {
  const last = path.replace(/\/+$/, '').split('/').at(-1) ?? '';
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

/**
 * The one system that is meant. Without a name it has to be the only one: the power of another machine would be cut.
 * @throws Refused BMC_SYSTEM
 */
export function chosenSystem(paths: readonly string[], wanted: string | undefined): string {
  const named = paths.slice(0, 20).map((path) => plain(idOf(path)));
  const known = `${named.join(', ')}${paths.length > named.length ? ', …' : ''}`;
  if (paths.length === 0) throw new Refused('BMC_SYSTEM', 'it has none');
  const found = wanted === undefined ? paths : paths.filter((path) => idOf(path) === wanted);
  if (found.length === 1) return found[0] as string;
  if (wanted === undefined) throw new Refused('BMC_SYSTEM', `it has several: ${known}`);
  throw new Refused('BMC_SYSTEM', `it has no ${wanted}, only: ${known}`);
}

/**
 * Whether the system has power. Only `Off` is off: what is being switched off still runs, as what is paused does.
 * @throws Refused when it does not tell
 */
export const powerOf = (system: unknown): Power =>
  readAs(powered, system, 'it tells no power state of the system').PowerState === 'Off' ? 'off' : 'on';

/** What there is to reset a system by. @throws Refused */
export function resetOf(system: unknown): {
  readonly target: string;
  readonly allowed: readonly string[] | undefined;
  readonly info: string | undefined;
} {
  const reason = 'it offers no way to switch the power of the system';
  const action = readAs(resettable, system, reason).Actions['#ComputerSystem.Reset'];
  return {
    target: action.target,
    allowed: action['ResetType@Redfish.AllowableValues'],
    info: action['@Redfish.ActionInfo'],
  };
}

/** What an action's description allows for `ResetType`; undefined: it does not tell. @throws Refused */
export const allowedIn = (body: unknown): readonly string[] | undefined =>
  readAs(actionInfo, body, 'its description of the reset cannot be read').Parameters.find(
    ({ Name }) => Name === 'ResetType',
  )?.AllowableValues;

/** The first that the BMC allows is taken. Nothing here asks the system politely: it may hang. */
const resetTypes: Readonly<Record<Order, readonly [string, ...string[]]>> = {
  on: ['On', 'ForceOn'],
  off: ['ForceOff'],
  reset: ['ForceRestart', 'PowerCycle'],
};

/** @param allowed undefined: the BMC does not tell. @throws Refused when it allows none that would do */
export function resetTypeFor(order: Order, allowed: readonly string[] | undefined): string {
  const types = resetTypes[order];
  const found = allowed === undefined ? types[0] : types.find((type) => allowed.includes(type));
  if (found !== undefined) return found;
  const offered = plain((allowed ?? []).slice(0, 20).join(', '));
  throw new Refused('BMC_FAILED', `it does not allow ${types.join(' or ')}, only: ${offered || 'nothing'}`);
}

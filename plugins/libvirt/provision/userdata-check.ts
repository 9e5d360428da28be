/** Whether a document is one that cloud-init takes. Pure. @module */
import { parseDocument, YAMLError } from 'yaml';

export type UserdataForm = 'cloud-config' | 'script';

/** How many nodes aliases may come to: a document of a few lines can be made to stand for gigabytes. */
const maxAliases = 100;

/**
 * The two forms that cloud-init knows by the first line (cloudinit/user_data.py, `INCLUSION_TYPES_MAP`) and that can be
 * checked: others, as `#include`, fetch what nobody here has seen.
 */
export function readUserdata(text: string): { readonly form: UserdataForm } | { readonly problem: string } {
  const [first = ''] = text.split(/\r?\n/, 1);
  if (text.includes('\u0000')) return { problem: 'it is no text' };
  if (first.startsWith('#!')) return scriptProblem(text, first) ?? { form: 'script' };
  if (first.trimEnd() !== '#cloud-config')
    return {
      problem: `its first line is ${first === '' ? 'empty' : JSON.stringify(first.slice(0, 60))}, and neither #cloud-config nor #!/…`,
    };
  const problem = yamlProblem(text);
  return problem === undefined ? { form: 'cloud-config' } : { problem };
}

function scriptProblem(text: string, first: string): { readonly problem: string } | undefined {
  if (!/^#! ?\/\S/.test(first))
    return { problem: `line 1 names no program by an absolute path: ${first.slice(0, 60)}` };
  // The kernel would look for a program whose name ends with a carriage return.
  return text.includes('\r') ? { problem: 'its lines end with CR LF, and must end with LF' } : undefined;
}

function yamlProblem(text: string): string | undefined {
  const document = parseDocument(text, { prettyErrors: true, uniqueKeys: true });
  const [error] = document.errors;
  if (error !== undefined) {
    const at = error.linePos?.[0];
    const [reason = ''] = error.message.split(/ at line |\n/);
    return at === undefined ? reason : `line ${at.line}, column ${at.col}: ${reason}`;
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: maxAliases });
  } catch (reason) {
    if (reason instanceof ReferenceError || reason instanceof YAMLError) return reason.message;
    throw reason;
  }
  if (value === null) return 'there is nothing in it but its first line';
  if (typeof value !== 'object' || Array.isArray(value)) return 'it is no mapping of names to values (`packages: […]`)';
  return undefined;
}

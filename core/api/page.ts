/** The page at `/`: says what answers here, and shows the reference made from openapi.json in the browser. @module */
import { createHash } from 'node:crypto';
import { apiBase } from './routes.ts';

const style = `
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; color: #1c2330; background: #fff; }
h1 { margin-bottom: 0; } h2 { margin-top: 2rem; text-transform: capitalize; }
table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: .25rem .75rem .25rem 0; vertical-align: top; border-bottom: 1px solid #dde2ea; }
code { font: 13px ui-monospace, monospace; } .quiet { color: #5b6577; }
@media (prefers-color-scheme: dark) { body { color: #dfe5ef; background: #14181f; } a { color: #8ab4f8; } td, th { border-color: #2b3340; } }
`;

/** Everything is put in as text, never as markup: plugins write summaries. */
const script = `
const make = (name, text) => { const node = document.createElement(name); if (text !== undefined) node.textContent = text; return node; };
const row = (cells, kind) => { const tr = make('tr'); for (const [text, code] of cells) { const cell = make(kind); cell.append(code ? make('code', text) : text); tr.append(cell); } return tr; };
const reference = document.getElementById('reference');
fetch('${apiBase}/openapi.json').then((answer) => answer.json()).then((api) => {
  const byTag = new Map();
  for (const [path, methods] of Object.entries(api.paths)) for (const [method, operation] of Object.entries(methods)) {
    const rows = byTag.get(operation.tags[0]) ?? [];
    rows.push(row([[method.toUpperCase() + ' ' + path, true], [operation.summary], [operation['x-pvc-cli'] ?? '', true], [operation['x-pvc-role']]], 'td'));
    byTag.set(operation.tags[0], rows);
  }
  for (const [tag, rows] of [...byTag].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const table = make('table');
    table.append(row([['Request'], ['Does'], ['Command'], ['Role']], 'th'), ...rows);
    reference.append(make('h2', tag), table);
  }
}, (error) => reference.append(make('p', 'The reference cannot be read: ' + error.message)));
`;

const sourceHash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** Content-Security-Policy of the page: its own script and style by their hashes, requests to this server, nothing else. */
export const pagePolicy = `default-src 'none'; script-src ${sourceHash(script)}; style-src ${sourceHash(style)}; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

export function indexPage(version: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>PVC</title>
<style>${style}</style>
</head>
<body>
<h1>PVC</h1>
<p class="quiet">Version ${escapeHtml(version)}</p>
<p>This is the API of a PVC node. It wants a token (<code>Authorization: Bearer pvc_…</code>), made with <code>pvc token create</code>.
<a href="${apiBase}/openapi.json">OpenAPI description</a></p>
<div id="reference"></div>
<script type="module">${script}</script>
</body>
</html>
`;
}

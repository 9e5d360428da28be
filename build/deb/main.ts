/**
 * `npm run build:deb`: the Debian package, from the executable that `npm run build` made.
 * @module
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { packageVersion } from '../bundle.ts';
import { binaryFile, inRepository } from '../paths.ts';
import { control, debianPackages } from './control.ts';

const root = inRepository('dist/deb');
const source = (name: string): string => inRepository(`build/deb/${name}`);

/** Writes or copies a file into the package, by its path on the target. */
function put(path: string, content: { readonly from: string } | { readonly text: string }, mode: number): void {
  const to = join(root, path);
  mkdirSync(dirname(to), { recursive: true });
  if ('from' in content) cpSync(content.from, to);
  else writeFileSync(to, content.text);
  chmodSync(to, mode);
}

/** What the shell's completion script is, by the executable itself: it knows its commands. */
function completion(shell: string): string {
  const text = execFileSync(binaryFile, ['completion', shell], { encoding: 'utf8', env: { PATH: '/nonexistent' } });
  if (text.trim() === '') throw new Error(`pvc completion ${shell} printed nothing`);
  return text;
}

function files(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((item) => item.isFile())
    .map((item) => relative(root, join(item.parentPath, item.name)));
}

function fill(): void {
  put('usr/bin/pvc', { from: binaryFile }, 0o755);
  mkdirSync(join(root, 'usr/sbin'), { recursive: true });
  symlinkSync('../bin/pvc', join(root, 'usr/sbin/pvcd'));
  put('usr/lib/systemd/system/pvcd.service', { from: source('pvcd.service') }, 0o644);
  put('usr/lib/systemd/system/pvc-leave.service', { from: source('pvc-leave.service') }, 0o644);
  put('usr/lib/pvc/leave-at-shutdown', { from: source('leave-at-shutdown') }, 0o755);
  put('usr/lib/systemd/system/pvc-dnsmasq@.service', { from: source('pvc-dnsmasq@.service') }, 0o644);
  put('usr/share/bash-completion/completions/pvc', { text: completion('bash') }, 0o644);
  put('usr/share/zsh/vendor-completions/_pvc', { text: completion('zsh') }, 0o644);
  put('usr/share/fish/vendor_completions.d/pvc.fish', { text: completion('fish') }, 0o644);
  put('usr/share/doc/pvc/copyright', { from: source('copyright') }, 0o644);
  put('usr/share/doc/pvc/THIRD-PARTY.txt', { from: inRepository('dist/THIRD-PARTY.txt') }, 0o644);
  put('usr/share/doc/pvc/pvc.yaml', { from: source('pvc.yaml') }, 0o644);
  put('etc/pvc/pvc.yaml', { from: source('pvc.yaml') }, 0o600);
  // Where third-party plugins are installed, by their own packages or by hand.
  mkdirSync(join(root, 'usr/lib/pvc/plugins'), { recursive: true });
}

function describe(): void {
  const payload = files(root).filter((file) => !file.startsWith('DEBIAN/'));
  const installedKiB = payload.reduce((sum, file) => sum + Math.ceil(statSync(join(root, file)).size / 1024), 0);
  const sums = payload
    .filter((file) => !file.startsWith('etc/'))
    .map(
      (file) =>
        `${createHash('md5')
          .update(readFileSync(join(root, file)))
          .digest('hex')}  ${file}\n`,
    );
  put(
    'DEBIAN/control',
    {
      text: control({
        version: packageVersion(),
        installedKiB,
        depends: debianPackages('run'),
        recommends: debianPackages('coordinator'),
      }),
    },
    0o644,
  );
  put('DEBIAN/md5sums', { text: sums.join('') }, 0o644);
  put('DEBIAN/conffiles', { text: '/etc/pvc/pvc.yaml\n' }, 0o644);
  for (const script of ['postinst', 'prerm', 'postrm']) put(`DEBIAN/${script}`, { from: source(script) }, 0o755);
}

if (!existsSync(binaryFile)) throw new Error('there is no dist/pvc: run "npm run build" first');
process.umask(0o022);
rmSync(root, { recursive: true, force: true });
fill();
describe();
const output = inRepository(`dist/pvc_${packageVersion()}_amd64.deb`);
// zstd: xz saves a quarter of the size and takes half a minute.
execFileSync('dpkg-deb', ['--root-owner-group', '-Zzstd', '-z9', '--build', root, output], {
  stdio: ['ignore', 'ignore', 'inherit'],
});
rmSync(root, { recursive: true, force: true });
console.log(`build: ${relative(inRepository('.'), output)} ${(statSync(output).size / 1e6).toFixed(1)} MB`);

/**
 * `npm run build:installer`: dist/installer/pvc-installer.iso, a medium for CD drives and USB sticks, BIOS and UEFI, that installs
 * Debian with PVC onto a disk. Needs root, the Debian archive, and the Debian package of PVC (`npm run build:deb`).
 *
 *   npm run build:installer [-- --mirror URL]
 *
 * @module
 */
import { access, chmod, copyFile, cp, mkdir, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageVersion } from '../bundle.ts';
import { debianPackages } from '../deb/control.ts';
import { debootstrap, neutralise, only, run, squash } from '../image/debian.ts';
import { imagePackages } from '../image/packages.ts';
import { inRepository } from '../paths.ts';
import { installerPackages } from './packages.ts';

const { values } = parseArgs({ options: { mirror: { type: 'string' } } });
const output = inRepository('dist/installer');
const deb = inRepository(`dist/pvc_${packageVersion()}_amd64.deb`);

/** Of the image of servers that boot from the network: all drivers in the initramfs, and each server's own SSH keys. */
const shared = ['etc/initramfs-tools/conf.d/pvc', 'etc/systemd/system/ssh.service.d/keys.conf'];
const programs = ['etc/initramfs-tools/hooks/pvc-installer', 'usr/lib/pvc-installer/install'];
/** Services that Debian starts by itself, and PVC in its own way where it needs them. */
const notByThemselves = ['pdns.service', 'mariadb.service'];

const begin = performance.now();
const say = (text: string): void =>
  console.log(`installer: ${((performance.now() - begin) / 1000).toFixed(1).padStart(6)} s  ${text}`);

async function furnish(root: string): Promise<void> {
  for (const path of shared) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await copyFile(inRepository(join('build/image/root', path)), join(root, path));
  }
  await cp(inRepository('build/installer/root'), root, { recursive: true });
  for (const path of programs) await chmod(join(root, path), 0o755);
  await copyFile(deb, join(root, 'pvc.deb'));
  run('chroot', [root, 'dpkg', '--install', '/pvc.deb']);
  await rm(join(root, 'pvc.deb'));
  for (const service of notByThemselves) run('systemctl', [`--root=${root}`, 'disable', '--quiet', service]);
  await writeFile(
    join(root, 'etc/default/grub'),
    `GRUB_DEFAULT=0
GRUB_TIMEOUT=3
GRUB_DISTRIBUTOR=Debian
GRUB_CMDLINE_LINUX="console=tty0 console=ttyS0,115200"
GRUB_TERMINAL="console serial"
GRUB_SERIAL_COMMAND="serial --unit=0 --speed=115200"
`,
  );
  await neutralise(root, 'pvc-installer');
}

if (process.getuid?.() !== 0) throw new Error('an installer can only be built by root: it holds files of other users');
await access(deb).catch(() => {
  throw new Error(`${deb} is not there: npm run build, then npm run build:deb`);
});
await mkdir(inRepository('dist'), { recursive: true });
const work = await mkdtemp(inRepository('dist/installer-'));
try {
  const [root, medium, made] = [join(work, 'root'), join(work, 'medium'), join(work, 'made')];
  await mkdir(join(medium, 'boot/grub'), { recursive: true });
  await mkdir(join(medium, 'pvc'));
  await mkdir(made);
  const besides = [...Object.keys(imagePackages), ...Object.keys(installerPackages)];
  debootstrap(root, [...debianPackages('run'), ...debianPackages('coordinator'), ...besides], values.mirror);
  say('Debian is there');
  await furnish(root);
  const version = (await only(join(root, 'boot'), 'vmlinuz-')).slice('vmlinuz-'.length);
  // One initramfs for both: of the medium by boot=pvc-installer, of the installed system without.
  run('chroot', [root, 'update-initramfs', '-u', '-k', version]);
  await copyFile(join(root, `boot/vmlinuz-${version}`), join(medium, 'pvc/vmlinuz'));
  await copyFile(join(root, `boot/initrd.img-${version}`), join(medium, 'pvc/initrd.img'));
  squash(root, join(medium, 'pvc/root.squashfs'), []);
  say('the root is packed');
  await copyFile(inRepository('build/installer/grub.cfg'), join(medium, 'boot/grub/grub.cfg'));
  const iso = join(made, 'pvc-installer.iso');
  run('grub-mkrescue', ['--output', iso, medium, '--', '-volid', 'PVC_INSTALLER']);
  await rm(output, { recursive: true, force: true });
  await rename(made, output);
  say(`dist/installer/pvc-installer.iso ${((await stat(join(output, 'pvc-installer.iso'))).size / 1e6).toFixed(1)} MB`);
} finally {
  await rm(work, { recursive: true, force: true });
}

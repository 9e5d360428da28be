/** All kinds and operations of provisioning. @module */
import type { AnyKind } from '../../../core/plugin/api.ts';
import type { VolumeStoreHook } from '../snapshot/volume-store.ts';
import { createOperations } from './create-operation.ts';
import { guestSeed } from './guest-seed.ts';
import { type ImportPart, imageImportOperations } from './image-import.ts';
import { image } from './image-kind.ts';
import { imageOperations } from './image-operations.ts';
import { metadataKey } from './metadata/key.ts';
import { networkTemplate, networkTemplateOperations } from './network-template.ts';
import { profile, profileOperations } from './profile.ts';
import { script } from './script/script-kind.ts';
import { scriptOperations } from './script/script-operations.ts';
import { storageTemplate, storageTemplateOperations } from './storage-template.ts';
import { systemTemplate, systemTemplateOperations } from './system-template.ts';
import { userdata, userdataOperations } from './userdata.ts';

export const provisionKinds: readonly AnyKind[] = [
  image,
  systemTemplate,
  networkTemplate,
  storageTemplate,
  userdata,
  script,
  profile,
  guestSeed,
  metadataKey,
];

export const provisionOperations = (need: () => ImportPart, hook: VolumeStoreHook) => [
  ...imageOperations(hook),
  ...imageImportOperations(need, hook),
  ...systemTemplateOperations,
  ...networkTemplateOperations,
  ...storageTemplateOperations,
  ...userdataOperations,
  ...scriptOperations,
  ...profileOperations,
  ...createOperations(hook),
];

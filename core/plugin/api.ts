/**
 * All that a plugin may import from PVC.
 * @module
 */
export { z } from 'zod';
export * as names from '../model/names.ts';
export { defineErrors, errorText, PvcError } from '../error/error.ts';
export { defineKind, type Kind } from '../model/kind.ts';
export type { Host } from '../host/host.ts';

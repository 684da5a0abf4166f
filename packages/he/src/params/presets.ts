import { type BfvPreset, type BfvPresetOptions, planBfvPreset } from './bfv-preset.ts'
import { type CkksPreset, type CkksPresetOptions, planCkksPreset } from './ckks-preset.ts'
import type { ParamsLiteral } from './params.ts'

/**
 * Parameters for a depth: the smallest ring that fits, with digits and special primes by `planKeySwitching`, and what they promise. The primes are
 * named, so that the literal is the same everywhere.
 *
 * - CKKS: a base prime with room for the message, primes near the scale for each level.
 * - BFV: a modulus that leaves a noise budget of at least a bit after so many products.
 *
 * Security by `checkSecurity`, precision and budgets by the sources that the presets name.
 * @throws TypeError where `depth`, or the scale and precision, or t is missing or stated twice; RangeError for options out of range; GloveboxError
 * `unsupported` where nothing fits, saying what would.
 */
export function planPreset(options: CkksPresetOptions): CkksPreset
export function planPreset(options: BfvPresetOptions): BfvPreset
export function planPreset(options: CkksPresetOptions | BfvPresetOptions): CkksPreset | BfvPreset
export function planPreset(options: CkksPresetOptions | BfvPresetOptions): CkksPreset | BfvPreset {
  return options.scheme === 'bfv' ? planBfvPreset(options) : planCkksPreset(options)
}

/**
 * The literal of `planPreset`, for `createParams` or to open a context.
 * @throws TypeError for an option that is missing; RangeError for one out of range; GloveboxError `unsupported` where nothing fits.
 */
export function preset(options: CkksPresetOptions | BfvPresetOptions): ParamsLiteral {
  return options.scheme === 'bfv' ? planBfvPreset(options).literal : planCkksPreset(options).literal
}

import { GloveboxError } from '../base/errors.ts'
import { checkSecurity, type SecurityTarget } from './security.ts'

/** The rings that presets choose from. */
export const presetDegrees: readonly number[] = [2048, 4096, 8192, 16384, 32768, 65536]

export function requireOption(name: string, value: number | undefined, low: number, high: number, whole = true): void {
  if (value === undefined) return
  if (!(value >= low && value <= high) || (whole && !Number.isInteger(value)))
    throw new RangeError(`"${name}" expected ${whole ? 'an integer' : 'a number'} from ${low} to ${high}, got ${value}`)
}

export function requireRingDegree(ringDegree: number | undefined): void {
  if (ringDegree !== undefined && !presetDegrees.includes(ringDegree))
    throw new RangeError(`"ringDegree" expected one of ${presetDegrees.join(', ')}, got ${ringDegree}`)
}

/** What came of trying one ring: a preset, or why not, as one clause of a message. */
export type Fitted<T> = { readonly preset: T } | { readonly reason: string }

/** The preset of the smallest ring that fits, or of the one that was asked for. `advice` tells what would fit where none of them does. */
export function smallestRing<T>(
  ringDegree: number | undefined,
  fit: (ringDegree: number) => Fitted<T>,
  advice: (ringDegree: number) => string,
): T {
  const degrees = ringDegree === undefined ? presetDegrees : [ringDegree]
  let reason = ''
  for (const degree of degrees) {
    const fitted = fit(degree)
    if ('preset' in fitted) return fitted.preset
    reason = fitted.reason
  }
  throw new GloveboxError('unsupported', `${reason}: ${advice(degrees.at(-1)!)}`)
}

/** The row of the table for a ring; 0 where none states the target. */
export function limitOf(ringDegree: number, security: SecurityTarget): { limit: number; standard: string } {
  try {
    return checkSecurity('', ringDegree, [2], security)
  } catch (error) {
    if (error instanceof GloveboxError) return { limit: 0, standard: '' }
    throw error
  }
}

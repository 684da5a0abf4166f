import type { Circuit } from '../layout/circuit.ts'

/**
 * How many standard deviations of the predicted error are taken for the largest one. Of a few outputs, four: they are passed once in some thousand times.
 * A batch has as many outputs as samples, some hundred thousand numbers in all: of normal errors six, and eight where slots are products with the secret, whose size at a root
 * of unity varies, so that the tails are exponential.
 */
export function deviationsOf({ packing, encoding }: Pick<Circuit, 'packing' | 'encoding'>): number {
  if (packing !== 'batch') return 4
  return encoding === 'slots' ? 8 : 6
}

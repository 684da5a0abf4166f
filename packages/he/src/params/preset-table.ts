import { formatTable } from '../base/text-table.ts'
import { type BfvPreset, planBfvPreset } from './bfv-preset.ts'
import { type CkksPreset, planCkksPreset } from './ckks-preset.ts'
import type { ParamsLiteral } from './params.ts'

const scales = [30, 35, 40, 45]
/** Of the plaintext modulus. */
const plaintextBits = 20
const depths = Array.from({ length: 20 }, (_, i) => i + 1)

const ckksName = (depth: number, scaleBits: number): string => `ckks-depth-${depth}-scale-${scaleBits}`
const bfvName = (depth: number): string => `bfv-depth-${depth}-t-${plaintextBits}`

/** Found when they are first asked for: a search for a few hundred primes. */
function kept<T>(make: (depth: number, scaleBits: number) => T): (depth: number, scaleBits: number) => T {
  const found = new Map<number, T>()
  return (depth, scaleBits) => {
    const key = 64 * scaleBits + depth
    let value = found.get(key)
    if (value === undefined) {
      value = make(depth, scaleBits)
      found.set(key, value)
    }
    return value
  }
}

const ckksPlan = kept((depth, scaleBits): CkksPreset => planCkksPreset({ depth, scaleBits }))
const bfvPlan = kept((depth): BfvPreset => planBfvPreset({ scheme: 'bfv', depth, plaintextBits }))

/**
 * Parameters for depth 1 to 20 by name, 128-classical, the smallest ring that fits, with key switching:
 *
 * - `presets['ckks-depth-4-scale-40']`, at scales of 30, 35, 40 and 45 bits, as `preset({ depth: 4, scaleBits: 40 })` gives;
 * - `presets['bfv-depth-4-t-20']`, with a plaintext modulus of 20 bits, as `preset({ scheme: 'bfv', depth: 4, plaintextBits: 20 })` gives.
 *
 * 100 names; each literal is searched for when it is first asked for, and kept. Another name is undefined.
 */
export const presets: Readonly<Record<string, ParamsLiteral>> = /* @__PURE__ */ (() => {
  const table: Record<string, ParamsLiteral> = {}
  const add = (name: string, get: () => ParamsLiteral): void => {
    Object.defineProperty(table, name, { enumerable: true, get })
  }
  for (const scaleBits of scales)
    for (const depth of depths) add(ckksName(depth, scaleBits), () => ckksPlan(depth, scaleBits).literal)
  for (const depth of depths) add(bfvName(depth), () => bfvPlan(depth, 0).literal)
  return Object.freeze(table)
})()

/** What both schemes show: ring degree, special primes, α, log2 of the modulus of keys beside its limit, bytes of a key at the top. */
function common({ literal, bits, limit, keySwitching }: CkksPreset | BfvPreset): string[] {
  const { specialBits, digitSize } = literal
  return [
    String(literal.ringDegree),
    `${specialBits.length}×${specialBits[0]}`,
    String(digitSize),
    bits.toFixed(1),
    String(limit),
    (keySwitching!.estimate.keyBytes / 1e6).toFixed(2),
  ]
}

const commonHead = ['N', 'special', 'α', 'log2 QP', 'limit', 'key MB']

/**
 * The named presets as two tables for people. CKKS: bits that are left of a value of magnitude 1 after so many squarings (the worst case), and after as
 * many products with fresh ones. BFV: the noise budget in bits of a fresh ciphertext and at full depth, at least. Keys in MB of 10^6 bytes: means over
 * the levels for CKKS, at the top for BFV. Plans all 100, which takes a while.
 */
export function formatPresets(): string {
  const ckks = scales.flatMap((scaleBits) =>
    depths.map((depth) => {
      const plan = ckksPlan(depth, scaleBits)
      const { squarings, products } = plan.precision
      const chain = `${plan.literal.modulusBits[0]} + ${depth}×${scaleBits}`
      return [ckksName(depth, scaleBits), chain, ...common(plan), squarings.toFixed(1), products.toFixed(1)]
    }),
  )
  const bfv = depths.map((depth) => {
    const plan = bfvPlan(depth, 0)
    const { modulusBits } = plan.literal
    const budgets = [plan.budgets[0]!, plan.budgets.at(-1)!].map((bits) => bits.toFixed(1))
    return [bfvName(depth), `${modulusBits.length}×${modulusBits[0]}`, ...common(plan), ...budgets]
  })
  const right = [2, 3, 4, 5, 6, 7, 8, 9]
  return [
    formatTable(['preset', 'chain', ...commonHead, 'squared', 'products'], ckks, right),
    'squared: bits that are right in the worst slot after squaring numbers up to 1 as often as the depth says; 0.0 promises nothing.\nproducts: after a product of depth + 1 fresh numbers up to 1, one after the other.',
    formatTable(['preset', 'chain', ...commonHead, 'budget', 'at depth'], bfv, right),
    'budget: bits of noise budget that are left, fresh and at depth.',
  ].join('\n\n')
}

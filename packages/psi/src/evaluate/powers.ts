import { type Ciphertext, type EvaluationKeys, multiplySum, type Plaintext, type Weights } from '@glovebox/he'
import type { SetParams } from '../params/set-params.ts'
import { type LoadedBundle, type Method, type Row, type Scheme, Scratch } from './loaded.ts'
import { requireKeys } from './matrix.ts'

/** Factors of the powers, a row for each (polynomial, high power), and the constant that belongs to each row. */
export interface PowersBundle extends LoadedBundle {
  readonly weights: Weights
  readonly constants: readonly Plaintext[]
}

/**
 * Polynomials of all bins at once, slot by slot, at powers of what the receiver encrypted: Chen, Laine, Rindal 2017 (eprint 2017/299, sections 4 and 5). Powers
 * that were not uploaded are products of two others, by the shallowest plan (Cong et al. 2021, eprint 2021/1116, section 3.3), and with
 * Paterson and Stockmeyer 1973 sums over low powers are multiplied with high ones.
 */
export function powersMethod(scheme: Scheme, params: SetParams): Method<PowersBundle> {
  const { feltsPerItem: felts, n: slots, polynomials, innerLevel: level, products } = params
  const { maxItemsPerBin, queryPowers, psLowDegree } = params.powers!
  /** Low powers are 1 to low; high ones multiples of low + 1, of which there are `highs`. */
  const low = psLowDegree === 0 ? maxItemsPerBin : Math.min(psLowDegree, maxItemsPerBin)
  const highs = Math.floor(maxItemsPerBin / (low + 1))
  const depths = Math.max(0, ...products.map(({ depth }) => depth))

  const slotsOf = (rows: readonly Row[], polynomial: number, power: number): Float64Array | null => {
    if (power > maxItemsPerBin) return null
    const out = new Float64Array(slots)
    for (const { bin, coefficients } of rows)
      for (let j = 0; j < felts; j++)
        out[bin * felts + j] = coefficients[(polynomial * felts + j) * (maxItemsPerBin + 1) + power]!
    return out
  }

  /** All powers of one group that are wanted, at the top level. */
  function powersOf(
    uploaded: readonly Ciphertext[],
    keys: EvaluationKeys | undefined,
    scratch: Scratch,
  ): Map<number, Ciphertext> {
    const known = new Map(queryPowers.map((power, i) => [power, uploaded[i]!]))
    for (let depth = 1; depth <= depths; depth++) {
      const steps = products.filter((step) => step.depth === depth)
      const relinearisation = requireKeys(keys, 'products')
      const made = scheme.together(
        steps.map(({ left, right }) => () => {
          using product =
            left === right ? scheme.square(known.get(left)!) : scheme.multiply(known.get(left)!, known.get(right)!)
          return scheme.relinearise(product, relinearisation)
        }),
      )
      made.forEach((ciphertext, i) => {
        known.set(steps[i]!.power, scratch.keep(ciphertext))
      })
    }
    return known
  }

  return {
    load(rows) {
      const { bucket, group } = rows[0]!
      using scratch = new Scratch()
      const table: (Float64Array | null)[][] = []
      const constants: Plaintext[] = []
      for (let polynomial = 0; polynomial < polynomials; polynomial++) {
        for (let high = 0; high <= highs; high++) {
          const first = high * (low + 1)
          constants.push(scratch.keep(scheme.encode(slotsOf(rows, polynomial, first)!)))
          table.push(Array.from({ length: low }, (_, i) => slotsOf(rows, polynomial, first + 1 + i)))
        }
      }
      const weights = scheme.encodeWeights(table, { level })
      scratch.release()
      return {
        bucket,
        group,
        weights,
        constants,
        [Symbol.dispose]: () => {
          weights[Symbol.dispose]()
          for (const constant of constants) constant[Symbol.dispose]()
        },
      }
    },

    evaluate(query, bundles, keys) {
      using scratch = new Scratch()
      const groups = new Map<number, { low: Ciphertext[]; high: Ciphertext[] }>()
      for (const { group } of bundles) {
        if (groups.has(group)) continue
        const known = powersOf(query.slice(group * queryPowers.length, (group + 1) * queryPowers.length), keys, scratch)
        const at = (power: number): Ciphertext => {
          const ciphertext = known.get(power)!
          return ciphertext.level === level ? ciphertext : scratch.keep(scheme.switchModulus(ciphertext, level))
        }
        groups.set(group, {
          low: Array.from({ length: low }, (_, i) => at(i + 1)),
          high: Array.from({ length: highs }, (_, i) => at((i + 1) * (low + 1))),
        })
      }
      const out: Ciphertext[] = []
      try {
        for (const { group, weights, constants } of bundles) {
          using inner = new Scratch()
          const { low: factors, high } = groups.get(group)!
          const sums = multiplySum(scheme, factors, weights)
            .map((sum) => inner.keep(sum))
            .map((sum, row) => inner.keep(scheme.addPlain(sum, constants[row]!)))
          for (let polynomial = 0; polynomial < polynomials; polynomial++) {
            let total = sums[polynomial * (highs + 1)]!
            let rest: Ciphertext | undefined
            high.forEach((power, i) => {
              const product = inner.keep(scheme.multiply(sums[polynomial * (highs + 1) + i + 1]!, power))
              rest = rest === undefined ? product : inner.keep(scheme.add(rest, product))
            })
            if (rest !== undefined)
              total = inner.keep(scheme.add(total, inner.keep(scheme.relinearise(rest, requireKeys(keys, 'products')))))
            out.push(scheme.switchModulus(total, 0))
          }
        }
        return out
      } catch (error) {
        for (const ciphertext of out) ciphertext[Symbol.dispose]()
        throw error
      }
    },
  }
}

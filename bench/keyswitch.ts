import { countKeySwitch, type KeySwitchingChoice, openCkks, type ParamsLiteral, planKeySwitching } from '@glovebox/he'
import { createGaloisKeys, createPublicKey, createSecretKey } from '@glovebox/he/secret'
import { median, type Row } from './rows.ts'
import type { BenchOptions, Measured } from './run.ts'

const repeat = (bits: number, count: number): number[] => new Array<number>(count).fill(bits)

const sets: Readonly<Record<string, { readonly ringDegree: number; readonly modulusBits: readonly number[] }>> = {
  A: { ringDegree: 8192, modulusBits: [50, 40, 40] },
  B: { ringDegree: 16384, modulusBits: [50, ...repeat(40, 6)] },
  C: { ringDegree: 32768, modulusBits: [50, ...repeat(40, 14)] },
}
const defaults = ['B', 'C']
const rounds = 15

/** One choice of digits and special primes with its times in microseconds: a whole rotation, one of a hoisted ciphertext, one transform. */
interface Sample {
  readonly set: string
  readonly choice: KeySwitchingChoice
  readonly rotate: number
  readonly hoisted: number
  readonly transform: number
}

function openChoice(set: string, choice: KeySwitchingChoice) {
  const { ringDegree, modulusBits } = sets[set]!
  const { specialBits, digitSize } = choice
  const literal: ParamsLiteral = { scheme: 'ckks', ringDegree, modulusBits, specialBits, digitSize }
  const ckks = openCkks(literal)
  using secret = createSecretKey(ckks)
  using publicKey = createPublicKey(ckks, secret)
  const keys = { relinearisation: undefined, galois: createGaloisKeys(ckks, secret, [{ steps: 1 }]) }
  using plain = ckks.encode([1, 2, 3], { scale: 2 ** 40 })
  const a = ckks.encrypt(publicKey, plain)
  const hoisted = ckks.hoist(a)
  const space = ckks.ring.limbs(1)
  const { p, pinv, table } = ckks.ring.moduli[1]!
  return {
    choice,
    runs: {
      rotate: () => ckks.rotate(a, 1, keys)[Symbol.dispose](),
      hoisted: () => ckks.rotateHoisted(hoisted, 1, keys)[Symbol.dispose](),
      // Forward and back, so that values stay in range.
      transform: () => {
        for (let i = 0; i < 4; i++) {
          ckks.ring.kernels.nttForward(space.ptr, ckks.ring.n, p, pinv, table)
          ckks.ring.kernels.nttInverse(space.ptr, ckks.ring.n, p, pinv, table)
        }
      },
    },
  }
}

/** Every secure alternative of a set, in turn and round after round, so that all see the same machine. */
function measureSet(set: string): Sample[] {
  const { alternatives, why } = planKeySwitching(sets[set]!)
  console.log(`set ${set}\n${why}\n`)
  const opened = alternatives.map((choice) => ({
    ...openChoice(set, choice),
    samples: { rotate: [] as number[], hoisted: [] as number[], transform: [] as number[] },
  }))
  for (let round = -2; round < rounds; round++) {
    for (const { runs, samples } of opened) {
      for (const name of ['rotate', 'hoisted', 'transform'] as const) {
        const start = performance.now()
        runs[name]()
        if (round >= 0) samples[name].push(1000 * (performance.now() - start))
      }
    }
  }
  // The same kernel at the same size for all of them.
  const transform = median(opened.flatMap(({ samples }) => samples.transform)) / 8
  return opened.map(({ choice, samples }) => ({
    set,
    choice,
    rotate: median(samples.rotate),
    hoisted: median(samples.hoisted),
    transform,
  }))
}

/** Least squares for the weights of products and conversions in units of a transform at N = 2^14, none below 0. */
function fit(samples: readonly Sample[]): number[] {
  const rows = samples.flatMap(({ set, choice, rotate, hoisted, transform }) => {
    const { ringDegree, modulusBits } = sets[set]!
    const perTransform = 14 / Math.log2(ringDegree)
    return [rotate, hoisted].map((us, decomposed) => {
      const counts = countKeySwitch(
        modulusBits.length - 1,
        choice.specialBits.length,
        choice.digitSize,
        decomposed === 1,
      )
      const { transforms, products, conversions } = counts
      const time = us / transform
      // Relative errors count.
      return {
        x: [products, conversions].map((count) => (count * perTransform) / time),
        y: (time - transforms) / time,
      }
    })
  })
  const weights = [0.1, 0.1]
  for (let step = 0; step < 2000; step++) {
    weights.forEach((_, k) => {
      let [above, below] = [0, 0]
      for (const { x, y } of rows) {
        const rest = y - x.reduce((sum, value, i) => (i === k ? sum : sum + value * weights[i]!), 0)
        above += rest * x[k]!
        below += x[k]! ** 2
      }
      weights[k] = Math.max(0, above / below)
    })
  }
  return weights
}

/** Every choice of digits and special primes beside what the model of `planKeySwitching` estimates for it. */
export async function bench({ sets: wanted, threads }: BenchOptions): Promise<Measured> {
  if (threads !== 1) throw new RangeError(`"threads" expected 1, as the model is of one thread, got ${threads}`)
  const names = wanted.length > 0 ? wanted : defaults
  for (const set of names)
    if (!Object.hasOwn(sets, set))
      throw new RangeError(`"set" expected one of ${Object.keys(sets).join(', ')}, got "${set}"`)
  const samples = names.flatMap(measureSet)
  const rows = samples.flatMap((sample): Row[] => {
    const { set, choice, rotate, hoisted, transform } = sample
    const { specialBits, digitSize, digits } = choice
    const named = `${set}: ${digits} digits of ${digitSize}, ${specialBits.length}×${specialBits[0]} special`
    const row = (op: string, us: number): Row => ({
      op,
      set: named,
      threads: 1,
      us: Number(us.toPrecision(4)),
      peer: null,
      peerUs: null,
      ratio: null,
    })
    return [
      row('rotate', rotate),
      row('rotate-hoisted', hoisted),
      row('rotate-estimated', choice.estimate.relativeTime * transform),
    ]
  })
  const facts: Record<string, unknown> = {}
  for (const set of names) {
    const own = samples.filter((sample) => sample.set === set)
    const fastest = Math.min(...own.map(({ rotate }) => rotate))
    facts[`${set}: chosen / fastest`] = (own[0]!.rotate / fastest).toFixed(3)
    facts[`${set}: transform µs`] = own[0]!.transform.toFixed(1)
  }
  const [product, conversion] = fit(samples)
  facts['weights that fit'] = `product ${product!.toFixed(3)}, conversion ${conversion!.toFixed(3)}`
  return { rows, facts }
}

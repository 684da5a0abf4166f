// node --conditions=@glovebox/source bench/psi-costs.ts
// Prints the table of packages/psi/src/plan/costs.ts: minima on one thread, in ms, by ring degree and primes of the chain (with one special prime), and what an
// item, an element and a coefficient cost.
import { ByteReader, ByteWriter, createParams, multiplySum, openBfv, readReply, writeReply } from '@glovebox/he'
import {
  createGaloisKeys,
  createRelinearisationKey,
  createSecretKey,
  decrypt,
  encryptSymmetric,
} from '@glovebox/he/secret'
import { createRowMaker } from '../packages/psi/src/database/row-maker.ts'
import { createOprfKey } from '../packages/psi/src/oprf/key.ts'
import { blindItems, finalizeItems } from '../packages/psi/src/oprf/receiver.ts'
import { evaluateBlinded, evaluateInput } from '../packages/psi/src/oprf/sender.ts'
import { openSodiumGroup } from '../packages/psi/src/oprf/sodium-group.ts'
import { smallestPlaintextModulus } from '../packages/psi/src/params/fit.ts'

/** The minimum of at least 5 runs and 150 ms, in ms. */
function least(run: () => void): number {
  run()
  let best = Infinity
  for (let runs = 0, start = performance.now(); runs < 5 || performance.now() - start < 150; runs++) {
    const from = performance.now()
    run()
    best = Math.min(best, performance.now() - from)
  }
  return best
}

const shown = (ms: number): number => Number(ms.toPrecision(3))

function ring(n: number, primes: number): Record<string, number> {
  const keys = n > 2048
  const base = n === 2048 ? 48 : Math.max(28, Math.min(44, Math.floor((104 * (n / 4096)) / (primes + 1))))
  const rest = Math.min(base, Math.floor((104 * (n / 4096) - 2 * base) / Math.max(1, primes - 1)))
  const params = createParams({
    scheme: 'bfv',
    ringDegree: n,
    modulusBits: [base, ...new Array<number>(primes - 1).fill(rest)],
    specialBits: keys ? [base] : [],
    digitSize: 1,
    plaintextModulus: smallestPlaintextModulus(16, n),
    security: 'INSECURE',
  })
  using bfv = openBfv({ ...params.literal, security: '128-classical' })
  using secret = createSecretKey(bfv)
  const values = Float64Array.from({ length: n }, (_, i) => (i * 7919) % params.plaintextModulus!)
  const plain = bfv.encode(values)
  const a = encryptSymmetric(bfv, secret, plain)
  const b = encryptSymmetric(bfv, secret, plain)
  const low = bfv.switchModulus(a, 0)
  const drop = (make: () => Disposable) => () => make()[Symbol.dispose]()
  const writer = (): ByteWriter => {
    const out = new ByteWriter()
    writeReply(out, low, { bits: 24, stride: 1 })
    return out
  }
  const reply = writer().done()
  const out: Record<string, number> = {
    encryptMs: least(() => {
      using message = bfv.encode(values)
      using _ct = encryptSymmetric(bfv, secret, message)
    }),
    readMs: least(() => {
      using ct = readReply(new ByteReader(reply), bfv.ring)
      using message = decrypt(bfv, secret, ct)
      bfv.decode(message)
    }),
    replyMs: least(() => {
      using lower = bfv.switchModulus(a, 0)
      const bytes = new ByteWriter()
      writeReply(bytes, lower, { bits: 24, stride: 1 })
    }),
    encodeMs: least(() => void bfv.encodeWeights([[values, values, values, values]])[Symbol.dispose]()) / 4,
  }
  if (keys) {
    const relinearisation = createRelinearisationKey(bfv, secret)
    const galois = createGaloisKeys(bfv, secret, [{ steps: 1 }])
    const product = bfv.multiply(a, b)
    out.multiplyMs = least(drop(() => bfv.multiply(a, b)))
    out.switchKeyMs = least(drop(() => bfv.relinearise(product, { relinearisation, galois })))
    out.rotateMs = least(drop(() => bfv.rotateRows(a, 1, { galois })))
    out.keysMs = least(() => createRelinearisationKey(bfv, secret)[Symbol.dispose]())
  }
  return out
}

/** ns of a slot, prime and coefficient, both parts of the ciphertext, where the weights come from memory. */
function multiplyAccumulate(): number {
  using bfv = openBfv({
    scheme: 'bfv',
    ringDegree: 4096,
    modulusBits: [34, 34],
    specialBits: [37],
    plaintextModulus: 4300801,
  })
  using secret = createSecretKey(bfv)
  const values = Float64Array.from({ length: 4096 }, (_, i) => (i * 7919) % 4300801)
  const plain = bfv.encode(values)
  const inputs = Array.from({ length: 32 }, () => encryptSymmetric(bfv, secret, plain))
  using weights = bfv.encodeWeights(Array.from({ length: 32 }, () => inputs.map(() => values)))
  const ms = least(() => {
    for (const ct of multiplySum(bfv, inputs, weights)) ct[Symbol.dispose]()
  })
  return (ms * 1e6) / (32 * 32 * 2 * 4096)
}

/** ns of an item's field element with a matching polynomial of this degree, and with one that interpolates labels beside it. */
function polynomials(degree: number): { matching: number; label: number } {
  const rows = 16
  const run = (labelBytes: number): number => {
    const params = {
      t: 4300801,
      feltsPerItem: 4,
      feltBits: 22,
      prefixBits: 0,
      bins: 2048,
      labelBytes,
      labelPolynomials: labelBytes > 0 ? 1 : 0,
      itemBits: 88,
      coefficients: degree + 1,
      itemsPerBin: degree,
    }
    const make = createRowMaker(params)
    const words = Uint32Array.from({ length: 4 * rows * degree }, (_, i) => Math.imul(i + 1, 0x9e3779b1))
    const job = {
      ids: Float64Array.from({ length: rows }, (_, i) => i),
      counts: new Uint32Array(rows).fill(degree),
      words,
      labels: new Uint8Array(labelBytes * rows * degree),
    }
    return (least(() => void make(job)) * 1e6) / (rows * degree * 4)
  }
  const matching = run(0)
  return { matching, label: run(11) - matching }
}

const rings: [number, number][] = [
  [2048, 1],
  [4096, 1],
  [4096, 2],
  [4096, 3],
  [8192, 2],
  [8192, 3],
  [8192, 4],
  [8192, 5],
  [8192, 6],
]
for (const [n, primes] of rings)
  console.log(
    `  { ringDegree: ${n}, primes: ${primes}, ${Object.entries(ring(n, primes))
      .map(([name, ms]) => `${name}: ${shown(ms)}`)
      .join(', ')} },`,
  )
console.log(`multiplyAccumulateNs: ${shown(multiplyAccumulate())}`)
for (const degree of [20, 100, 500]) console.log(`polynomialNs at degree ${degree}:`, polynomials(degree))

const sodium = await openSodiumGroup()
const key = createOprfKey()
const items = Array.from({ length: 50 }, (_, i) => new TextEncoder().encode(`item ${i}`))
const blinded = blindItems('oprf', items)
const { elements } = evaluateBlinded(key, blinded.elements, { group: sodium })
const each = (run: () => void): number => shown(least(run) / items.length)
console.log(`itemMs: ${each(() => items.forEach((item) => void evaluateInput(key, item, sodium)))}`)
console.log(`elementMs: ${each(() => void evaluateBlinded(key, blinded.elements, { group: sodium }))}`)
console.log(`blindMs: ${each(() => void blindItems('oprf', items))}`)
console.log(`finalizeMs: ${each(() => void finalizeItems('oprf', items, blinded, elements))}`)
console.log(`nodeBlindMs: ${each(() => void blindItems('oprf', items, { group: sodium }))}`)
console.log(`nodeFinalizeMs: ${each(() => void finalizeItems('oprf', items, blinded, elements, { group: sodium }))}`)

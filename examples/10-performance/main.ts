// 10 — Performance
//
// Where time and memory go, measured here and now. The tables below are this machine's; the order of magnitude between their rows is everybody's.
//
//     npm run example -- 10

import { applyLinear, encodeLinear, openCkks, planLinear, planRotations, switchingKeyMemory } from '@glovebox/he'
import {
  createGaloisKeys,
  createPublicKey,
  createRelinearisationKey,
  createSecretKey,
  decrypt,
  encryptSymmetric,
} from '@glovebox/he/secret'
import { bytes, check, section, show, title } from '../print.ts'

title('10  Performance')

/** The median of eleven runs in µs, after a few that let the engine compile. What a run returns is disposed of. */
function measure(work: () => Disposable | undefined): number {
  const once = (): number => {
    const start = performance.now()
    const result = work()
    const took = performance.now() - start
    result?.[Symbol.dispose]()
    return 1000 * took
  }
  for (let i = 0; i < 5; i++) once()
  return Array.from({ length: 11 }, once).sort((a, b) => a - b)[5]!
}
const row = (label: string, us: number, unit: number): void =>
  show(label, `${us.toFixed(0).padStart(7)} µs ${(us / unit).toFixed(1).padStart(7)} ×`)

// A context is opened once: tables of roots for each prime, about 8·N bytes each. Everything after it reuses that memory.
const start = performance.now()
const ckks = openCkks({ scheme: 'ckks', ringDegree: 8192, modulusBits: [50, 40, 40], specialBits: [50] })
const { params, ring } = ckks
show('kernels', ring.backend.name)
show('open a context', `${(performance.now() - start).toFixed(1)} ms`)

using secret = createSecretKey(ckks)
using publicKey = createPublicKey(ckks, secret)
using relinearisation = createRelinearisationKey(ckks, secret)
const galois = createGaloisKeys(ckks, secret, [{ steps: 1 }])
const keys = { relinearisation, galois }
const x = Float64Array.from({ length: params.slots }, (_, i) => Math.sin(i))
const scale = 2 ** 40
using plain = ckks.encode(x, { scale })
using ct = encryptSymmetric(ckks, secret, plain)
using product = ckks.square(ct)
using low = ckks.dropLevel(ct, 0)
using hoisted = ckks.hoist(ct)

// The unit is an addition: all that it does is to pass over memory. Three tiers show:
//   point-wise (add, multiply): linear in N and in the number of primes;
//   transforms (encode, rescale, decode): N log N for each prime;
//   key switching (rotate, relinearise): transforms for each digit times each prime, so about the square of their number.
section(`operations at N = ${params.ringDegree}, three primes, medians`)
const add = measure(() => ckks.add(ct, ct))
row('add', add, add)
row(
  'multiply by plaintext',
  measure(() => ckks.multiplyPlain(ct, plain)),
  add,
)
row(
  'multiply',
  measure(() => ckks.square(ct)),
  add,
)
row(
  'rescale',
  measure(() => ckks.rescale(ct)),
  add,
)
row(
  'encode',
  measure(() => ckks.encode(x, { scale })),
  add,
)
row(
  'encrypt, seeded',
  measure(() => encryptSymmetric(ckks, secret, plain)),
  add,
)
row(
  'encrypt, public key',
  measure(() => ckks.encrypt(publicKey, plain)),
  add,
)
row(
  'decrypt',
  measure(() => decrypt(ckks, secret, ct)),
  add,
)
row(
  'decode',
  measure(() => void ckks.decode(plain)),
  add,
)
row(
  'decode at level 0',
  measure(() => {
    using opened = decrypt(ckks, secret, low)
    ckks.decode(opened)
    return undefined
  }),
  add,
)
row(
  'relinearise',
  measure(() => ckks.relinearise(product, keys)),
  add,
)
row(
  'rotate',
  measure(() => ckks.rotate(ct, 1, keys)),
  add,
)
row(
  'rotate, hoisted',
  measure(() => ckks.rotateHoisted(hoisted, 1, keys)),
  add,
)
row(
  'rotate at level 0',
  measure(() => ckks.rotate(low, 1, keys)),
  add,
)

// What follows from the table:
//
// 1. Count key switches first. A circuit with half the rotations takes half the time, whatever else it does.
// 2. Do them low. At level 0 a rotation costs a small part of what it costs at level 2: rescale and drop levels before rotating.
// 3. Hoist whatever rotates one ciphertext more than once.
// 4. Relinearise sums, not their terms; rescale sums, not their terms:
section('a sum of eight squares')
const eager = (): Disposable => {
  let sum: typeof ct | undefined
  for (let i = 0; i < 8; i++) {
    using square = ckks.square(ct)
    using shorter = ckks.relinearise(square, keys)
    const term = ckks.rescale(shorter)
    if (sum === undefined) sum = term
    else {
      using left = sum
      using right = term
      sum = ckks.add(left, right)
    }
  }
  return sum!
}
const lazy = (): Disposable => {
  let sum = ckks.square(ct)
  for (let i = 1; i < 8; i++) {
    using left = sum
    using right = ckks.square(ct)
    sum = ckks.add(left, right)
  }
  using long = sum
  using shorter = ckks.relinearise(long, keys)
  return ckks.rescale(shorter)
}
const eagerly = measure(eager)
row('relinearise and rescale every term', eagerly, add)
row('the sum', measure(lazy), add)

// 5. Encode weights once, not per request. Encoding costs more than the product that it serves; here 64 diagonals do.
section('a 64 × 64 matrix')
const n = 64
const diagonals = new Map(Array.from({ length: n }, (_, d) => [d, x.map((v, j) => v * Math.cos(d + j))]))
const plan = planLinear([...diagonals.keys()], params.slots)
const needed = planRotations(plan)
const linearKeys = {
  relinearisation: undefined,
  galois: createGaloisKeys(
    ckks,
    secret,
    needed.map((steps) => ({ steps, level: 1 })),
  ),
}
const options = { level: 1, scale: params.primes[1]! }
using transform = encodeLinear(ckks, diagonals, plan, options)
using middle = ckks.dropLevel(ct, 1)
row(
  'encode the diagonals',
  measure(() => encodeLinear(ckks, diagonals, plan, options)),
  add,
)
row(
  'apply',
  measure(() => applyLinear(ckks, middle, transform, linearKeys)),
  add,
)
using applied = applyLinear(ckks, middle, transform, linearKeys)
using rescaled = ckks.rescale(applied)
using opened = decrypt(ckks, secret, rescaled)
const expected = x.map((_, j) => {
  let sum = 0
  for (let d = 0; d < n; d++) sum += diagonals.get(d)![j]! * x[(j + d) % x.length]!
  return sum
})
check('result', ckks.decode(opened), expected, 2 ** -14)

// 6. Threads. A context may have several, on one shared memory; calls stay synchronous, and results are the same to the last bit. What gains is key
// switching and whatever else transforms many limbs; additions wait for memory anyway. How much depends on what else this machine does.
section('threads')
using several = openCkks(params, { threads: 2 })
show('threads that run', await several.threadsStarted())
{
  using otherSecret = createSecretKey(several)
  const otherGalois = createGaloisKeys(several, otherSecret, [{ steps: 1 }])
  using otherPlain = several.encode(x, { scale })
  using other = encryptSymmetric(several, otherSecret, otherPlain)
  const otherKeys = { relinearisation: undefined, galois: otherGalois }
  row(
    'rotate, one thread',
    measure(() => ckks.rotate(ct, 1, keys)),
    add,
  )
  row(
    'rotate, two threads',
    measure(() => several.rotate(other, 1, otherKeys)),
    add,
  )
  using turned = several.rotate(other, 1, otherKeys)
  using opened = decrypt(several, otherSecret, turned)
  check(
    'rotated by two threads',
    several.decode(opened),
    x.map((_, i) => x[(i + 1) % x.length]!),
    2 ** -18,
  )
}

// 7. Memory. A limb is 8 bytes times N; a ciphertext of two parts and ℓ+1 primes is 2(ℓ+1) limbs; keys are digits times that. `using` gives memory
// back at the end of a block and keeps the peak where it has to be; a loop that forgets it grows until the finalizer notices.
section('memory')
show('ciphertext at level 2, at level 0', [ct, low].map((value) => bytes(value.slab.bytes)).join(', '))
show('a Galois key for level 2, 1, 0', [2, 1, 0].map((level) => bytes(switchingKeyMemory(params, level))).join(', '))
show('in use now, at the peak', [ring.heap.used, ring.heap.peak].map(bytes).join(', '))
const before = ring.heap.used
for (let i = 0; i < 100; i++) {
  using turned = ckks.rotate(ct, 1, keys)
  using twice = ckks.add(turned, turned)
  void twice
}
check('after 100 rotations with `using`, more by', [ring.heap.used - before], [0], 0)
for (const key of [...galois.values(), ...linearKeys.galois.values()]) key[Symbol.dispose]()

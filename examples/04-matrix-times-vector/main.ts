// 04 — A matrix times an encrypted vector
//
// Dense layers, convolutions, statistics and the bootstrapping of CKKS itself are all the same thing: a matrix that the server knows times
// a vector that it does not. Rows and columns do not fit slots well; *diagonals* do.
//
//     npm run example -- 04

import {
  applyLinear,
  applyMatrix,
  type Ciphertext,
  encodeLinear,
  encodeMatrix,
  openCkks,
  planLinear,
  planRotations,
} from '@glovebox/he'
import { createGaloisKeys, createSecretKey, decrypt, encryptSymmetric } from '@glovebox/he/secret'
import { bytes, check, numbers, section, show, showCiphertext, timed, title } from '../print.ts'

title('04  A matrix times an encrypted vector')

// One product and no more, so one prime above the base.
const ckks = openCkks({ scheme: 'ckks', ringDegree: 8192, modulusBits: [50, 40], specialBits: [50] })
const { params } = ckks
const { slots } = params
using secret = createSecretKey(ckks)
const open = (value: Ciphertext): Float64Array => {
  using plaintext = decrypt(ckks, secret, value)
  return ckks.decode(plaintext)
}

// The vector has 64 numbers, the ciphertext 4096 slots. Repeated 64 times it fills them, and a rotation of the slots is a
// rotation of the vector: the seam at the end has vanished.
const n = 64
const weight = (row: number, column: number): number => Math.sin(7 * row + 3 * column) / 8
const x = Float64Array.from({ length: n }, (_, i) => Math.cos(i))
using encoded = ckks.encode(
  Float64Array.from({ length: slots }, (_, i) => x[i % n]!),
  { scale: 2 ** 40 },
)
using ct = encryptSymmetric(ckks, secret, encoded)
const expected = Float64Array.from({ length: n }, (_, row) =>
  x.reduce((sum, v, column) => sum + weight(row, column) * v, 0),
)

// Diagonal d of the matrix has the entries (j, j + d). Slot j of diag_d · rotate(x, d) is M[j][j+d] · x[j+d], and the sum over all d is row j times x:
//
//     M·x = Σ_d diag_d · rotate(x, d)            (Halevi and Shoup 2014, eprint 2014/106)
//
// 64 slot-wise products with plaintexts, which are cheap, and 63 rotations, which are not.
const diagonals = new Map<number, Float64Array>()
for (let d = 0; d < n; d++)
  diagonals.set(
    d,
    Float64Array.from({ length: slots }, (_, j) => weight(j % n, (j + d) % n)),
  )

// Baby steps, giant steps. Write d = g + b with b below some width and g a multiple of it, and pull the rotation by g out of the sum:
//
//     M·x = Σ_g rotate( Σ_b rotate(diag_(g+b), −g) · rotate(x, b), g)
//
// The rotated diagonals are known beforehand, the baby rotations of x are hoisted, and giant rotations of partial sums remain. And as all babies
// of a sum are weighted and added before anything is divided by the special primes, they share that division too (*double hoisting*; Bossuat,
// Mouchet, Troncoso-Pastoriza and Hubaux, eprint 2020/1203). So babies are cheap, and `planLinear` takes more of them than giants.
section('planning')
for (const [name, plan] of [
  ['every diagonal by itself', { babies: [...diagonals.keys()], giants: [0] }],
  ['baby steps, giant steps', planLinear([...diagonals.keys()], slots)],
] as const) {
  const rotations = planRotations(plan)
  show(name, `${plan.babies.length} babies, ${plan.giants.length} giants, ${rotations.length} keys`)

  // All is encoded once per matrix, at the level of the vector. At the scale q_1, rescaling by q_1 leaves the scale of x untouched.
  using transform = encodeLinear(ckks, diagonals, plan, { level: ct.level, scale: params.primes[1]! })
  // The giants are summed up as Horner's rule does: ((… rotate 8) + …) rotate 8 …, so giants at equal distances share one key.
  const galois = createGaloisKeys(
    ckks,
    secret,
    rotations.map((steps) => ({ steps })),
  )
  const keys = { relinearisation: undefined, galois }
  show('  memory of keys', bytes([...galois.values()].reduce((sum, key) => sum + key.slab.bytes, 0)))
  applyLinear(ckks, ct, transform, keys)[Symbol.dispose]()
  using product = timed('  applyLinear, 64 × 64', () => applyLinear(ckks, ct, transform, keys))
  using result = ckks.rescale(product)
  showCiphertext('  result', result)
  check('  M·x', open(result), expected, 2 ** -20)
  for (const key of galois.values()) key[Symbol.dispose]()
}

// Wide and short: 8 × 64, as the last layer of a classifier. It has 64 diagonals of 8 entries, or, as *extended* diagonals that go on through
// the columns, 8 of 64 entries: ext_d[j] = M[j mod 8][(j + d) mod 64]. After 8 products slot j holds the part of row (j mod 8) that its eighth of the columns gives;
// three rotations by 8, 16 and 32 fold the eighths together. 8 + 3 in place of 64.
section('8 × 64: fold')
const rows = 8
const extended = new Map<number, Float64Array>()
for (let d = 0; d < rows; d++)
  extended.set(
    d,
    Float64Array.from({ length: slots }, (_, j) => weight(j % rows, (j + d) % n)),
  )
const plan = planLinear([...extended.keys()], slots)
const folds = [rows, 2 * rows, 4 * rows]
using short = encodeLinear(ckks, extended, plan, { level: 1, scale: params.primes[1]! })
const galois = createGaloisKeys(ckks, secret, [
  ...planRotations(plan).map((steps) => ({ steps })),
  // Folding comes after rescaling, at level 0, where a rotation costs a third.
  ...folds.map((steps) => ({ steps, level: 0 })),
])
const keys = { relinearisation: undefined, galois }
show('keys', galois.size)
using folded = timed('applyLinear, rescale, fold', () => {
  using product = applyLinear(ckks, ct, short, keys)
  let sum = ckks.rescale(product)
  for (const steps of folds) {
    using before = sum
    using turned = ckks.rotate(before, steps, keys)
    sum = ckks.add(before, turned)
  }
  return sum
})
show('scores', numbers(open(folded), rows))
check('scores', open(folded), expected.subarray(0, rows), 2 ** -18)
for (const key of galois.values()) key[Symbol.dispose]()

// All of that in one call: `encodeMatrix` takes rows of any length, leaves out diagonals of zeros, folds what is wide, cuts what is larger than
// a ciphertext, and says how the vector is to be laid out and which keys it needs.
section('100 × 30: let it plan')
const tall = Array.from({ length: 100 }, (_, row) =>
  Float64Array.from({ length: 30 }, (_, column) => weight(row, column)),
)
using matrix = encodeMatrix(ckks, tall, { level: 1, scale: params.primes[1]! })
const matrixKeys = {
  relinearisation: undefined,
  galois: createGaloisKeys(
    ckks,
    secret,
    matrix.rotations.map((steps) => ({ steps, level: 1 })),
  ),
}
show('babies, giants, keys', [matrix.plan.babies.length, matrix.plan.giants.length, matrixKeys.galois.size].join(', '))
const features = x.subarray(0, 30)
using arranged = ckks.encode(matrix.layout.arrange(features)[0]!, { scale: 2 ** 40 })
using vector = encryptSymmetric(ckks, secret, arranged)
const [output] = timed('applyMatrix', () => applyMatrix(ckks, [vector], matrix, matrixKeys))
using scaled = ckks.rescale(output!)
output![Symbol.dispose]()
const outputs = matrix.layout.collect([open(scaled)])
check(
  '100 rows',
  outputs,
  tall.map((row) => row.reduce((sum, w, i) => sum + w * features[i]!, 0)),
  2 ** -18,
)
for (const key of matrixKeys.galois.values()) key[Symbol.dispose]()

// A convolution is such a matrix with few diagonals other than 0: a 3 × 3 kernel on an image has nine. Which diagonals there are is public, as the
// client has to make the keys; the weights on them are not. `@glovebox/ml` searches layouts and splits for whole networks.

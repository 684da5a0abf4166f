import {
  ByteReader,
  ByteWriter,
  type Ciphertext,
  type Ckks,
  encodeWeights,
  linearCombinations,
  multiplySum,
  openCkks,
  readCiphertext,
  writeCiphertext,
  writeReply,
} from '@glovebox/he'
import { createSecretKey, encryptSymmetric } from '@glovebox/he/secret'
import { measure, type Row } from './rows.ts'
import type { BenchOptions, Measured } from './run.ts'

/** Names of the sets. */
const [coefficients, batch] = ['coefficients', 'batch']

/** What a server does without keys: affine models with inputs in coefficients, and batches, one ciphertext to a feature. */
export async function bench({ sets, threads }: BenchOptions): Promise<Measured> {
  const known = [coefficients, batch]
  const unknown = sets.find((set) => !known.includes(set))
  if (unknown !== undefined) throw new RangeError(`"set" expected one of ${known.join(', ')}, got ${unknown}`)
  const wanted = sets.length > 0 ? sets : known
  const rows: Row[] = []
  if (wanted.includes(coefficients)) rows.push(...(await benchCoefficients(threads)))
  if (wanted.includes(batch)) rows.push(...(await benchBatch(threads)))
  return { rows: rows.map((row) => ({ ...row, threads })) }
}

function give(cts: readonly Ciphertext[]): void {
  for (const ct of cts) ct[Symbol.dispose]()
}

/** 200,000 inputs in 98 seeded ciphertexts of 2048 coefficients, and 784 in one, its 10 outputs in five products. */
async function benchCoefficients(threads: number): Promise<Row[]> {
  using ckks = openCkks({ scheme: 'ckks', ringDegree: 2048, modulusBits: [50], specialBits: [] }, { threads })
  await ckks.threadsStarted()
  const secret = createSecretKey(ckks)
  const scale = 2 ** 20
  const values = Float64Array.from({ length: 2048 }, (_, i) => Math.sin(i))
  const inputs = encryptMany(ckks, 98, () => encryptSymmetric(ckks, secret, ckks.encodeCoefficients(values, { scale })))
  const [wide, narrow] = [inputs, inputs.slice(0, 1)].map((cts) => {
    const writer = new ByteWriter()
    for (const ct of cts) writeCiphertext(writer, ct)
    return writer.done()
  })
  const readAll = (bytes: Uint8Array, count: number): Ciphertext[] => {
    const reader = new ByteReader(bytes, 'the query')
    return Array.from({ length: count }, () => readCiphertext(reader, ckks.ring))
  }
  using row = encodeWeights(ckks, [inputs.map(() => values)], { scale })
  using column = encodeWeights(ckks, new Array<Float64Array[]>(5).fill([values]), { scale })
  const reply = (sums: readonly Ciphertext[], stride: number): Uint8Array => {
    const writer = new ByteWriter()
    for (const sum of sums) writeReply(writer, sum, { bits: 24, stride, count: 2 })
    return writer.done()
  }
  const answer = (bytes: Uint8Array, count: number, weights: typeof row, stride: number): void => {
    const cts = readAll(bytes, count)
    const sums = multiplySum(ckks, cts, weights)
    reply(sums, stride)
    give([...cts, ...sums])
  }
  return [
    measure('read-98', coefficients!, () => give(readAll(wide!, 98))),
    measure('multiply-sum-98', coefficients!, () => give(multiplySum(ckks, inputs, row))),
    measure('query-98-products-1-reply', coefficients!, () => answer(wide!, 98, row, 1000)),
    measure('query-5-products-5-replies', coefficients!, () => answer(narrow!, 1, column, 784)),
  ]
}

function encryptMany(ckks: Ckks, count: number, encrypt: () => Ciphertext): Ciphertext[] {
  return ckks.together(Array.from({ length: count }, () => encrypt))
}

/** A layer of 100 outputs on 784 features of 4096 samples, at three levels. */
async function benchBatch(threads: number): Promise<Row[]> {
  const [features, outputs] = [784, 100]
  using ckks = openCkks({ scheme: 'ckks', ringDegree: 8192, modulusBits: [50, 40, 40], specialBits: [50] }, { threads })
  await ckks.threadsStarted()
  const secret = createSecretKey(ckks)
  using plain = ckks.encode(
    Float64Array.from({ length: 4096 }, (_, i) => Math.sin(i)),
    { scale: 2 ** 20 },
  )
  const inputs = encryptMany(ckks, features, () => encryptSymmetric(ckks, secret, plain))
  const rows = Array.from({ length: outputs }, (_, j) =>
    Float64Array.from({ length: features }, (_, k) => Math.sin(1 + j * features + k)),
  )
  return [8, 20].map((bits) =>
    measure(`combinations-784x100-${bits}-bits`, batch!, () =>
      give(linearCombinations(ckks, inputs, rows, { scale: 2 ** bits })),
    ),
  )
}

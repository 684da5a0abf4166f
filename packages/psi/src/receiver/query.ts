import { type Ciphertext, GloveboxError } from '@glovebox/he'
import { decrypt, encryptSymmetric } from '@glovebox/he/secret'
import { createField, type Field, reduce } from '../field/field.ts'
import { itemsPerTable, placeItems } from '../hashing/cuckoo.ts'
import { encryptLabel, labelOf } from '../hashing/label.ts'
import { bucketOf, feltsOf, locationsOf } from '../hashing/tag.ts'
import type { SetParams } from '../params/set-params.ts'
import { encodeQuery, type ReadOptions, readReplies } from '../wire/query.ts'
import type { QueryKeys } from './keyring.ts'

/** One query of some items, ready to be sent. */
export interface PreparedQuery {
  /** Which is looked at, in the clear: 0 to 2^prefixBits - 1. */
  readonly bucket: number
  /** The frame to send. */
  readonly bytes: Uint8Array
  /** Which of the outputs that were given are in it. */
  readonly items: readonly number[]
  /** bin → place in `items`, or -1; of a set that takes one item a query: undefined, as it is in every bin. */
  readonly bins: Int32Array | undefined
}

/** Whether an item is in the set, and what the set says of it. */
export interface Answer {
  /** Whether it is in the set. */
  readonly found: boolean
  /** Of sets with labels, where it was found: `params.labelBytes` bytes. */
  readonly label?: Uint8Array
}

/**
 * Queries for items by their OPRF outputs (64 bytes each: tag, then the key of the label), bucket by bucket: one for each item, or with hash functions as
 * many items in one as cuckoo hashing is sure to place (Pagh, Rodler 2004): `itemsPerTable`. Each is encrypted when it is asked for. How many queries there are tells how many items; nothing
 * else of them is told but, with a prefix, their buckets.
 * @throws RangeError for outputs of another length.
 */
export function* prepareQueries(
  keys: QueryKeys,
  outputs: readonly Uint8Array[],
  epoch: number,
): Generator<PreparedQuery, void> {
  const { params } = keys
  outputs.forEach((output, i) => {
    if (output.length !== 64) throw new RangeError(`"outputs[${i}]" expected 64 bytes, got ${output.length}`)
  })
  const byBucket = new Map<number, number[]>()
  outputs.forEach((output, i) => {
    const bucket = bucketOf(params, output)
    const list = byBucket.get(bucket)
    if (list) list.push(i)
    else byBucket.set(bucket, [i])
  })
  const seal = (bucket: number, items: readonly number[], bins: Int32Array | undefined): PreparedQuery => ({
    bucket,
    items,
    bins,
    bytes: encrypted(
      keys,
      epoch,
      bucket,
      items.map((i) => feltsOf(params, outputs[i]!)),
      bins,
    ),
  })
  for (const [bucket, items] of [...byBucket].sort(([a], [b]) => a - b)) {
    if (params.powers === undefined || params.powers.hashFunctions === 0)
      for (const item of items) yield seal(bucket, [item], undefined)
    else for (const part of tablesOf(params, items, outputs)) yield seal(bucket, part.items, part.bins)
  }
}

/**
 * Items in as many tables as their number asks for, all as full. Whether items find places depends on what they are: where that decided, a sender that
 * describes a small table would learn from the number of queries which items meet in a bin.
 */
function* tablesOf(
  params: SetParams,
  items: readonly number[],
  outputs: readonly Uint8Array[],
): Generator<{ items: readonly number[]; bins: Int32Array }> {
  const tables = Math.ceil(items.length / itemsPerTable(params.powers!.hashFunctions, params.bins))
  const part = (table: number): number => Math.floor((table * items.length) / tables)
  for (let table = 0; table < tables; table++) yield* placed(params, items.slice(part(table), part(table + 1)), outputs)
}

/** Items in one table, or halves of them in two where they do not fit, which is a matter of 2^-20 for what `tablesOf` gives. */
function placed(
  params: SetParams,
  items: readonly number[],
  outputs: readonly Uint8Array[],
): { items: readonly number[]; bins: Int32Array }[] {
  const half = Math.ceil(items.length / 2)
  try {
    const locations = items.map((i) => locationsOf(params, outputs[i]!))
    return [{ items, bins: placeItems(locations, params.bins) }]
  } catch (error) {
    if (!(error instanceof GloveboxError) || error.code !== 'unsupported' || items.length === 1) throw error
  }
  return [...placed(params, items.slice(0, half), outputs), ...placed(params, items.slice(half), outputs)]
}

/** Slots of every ciphertext of a query, encrypted in their order. */
function encrypted(
  { params, scheme, secret, digest }: QueryKeys,
  epoch: number,
  bucket: number,
  felts: readonly Uint32Array[],
  bins: Int32Array | undefined,
): Uint8Array {
  const slots = params.method === 'matrix' ? vectorsOfPowers(params, felts[0]!) : powersOfBins(params, felts, bins)
  const ciphertexts: Ciphertext[] = []
  try {
    for (const values of slots) {
      using plaintext = scheme.encode(values)
      ciphertexts.push(encryptSymmetric(scheme, secret, plaintext))
    }
    return encodeQuery(params, { epoch, bucket, keys: digest, ciphertexts })
  } finally {
    for (const ciphertext of ciphertexts) ciphertext[Symbol.dispose]()
  }
}

/** 1, x, …, x^(D-1) of two field elements, one in each row of slots, as often as there is room. */
function* vectorsOfPowers(params: SetParams, felts: Uint32Array): Generator<Float64Array> {
  const { n, t, feltsPerItem, pairs } = params
  const { degree } = params.matrix!
  const field = createField(t)
  for (let pair = 0; pair < pairs; pair++) {
    const values = new Float64Array(n)
    for (let side = 0; side < 2 && 2 * pair + side < feltsPerItem; side++) {
      const x = felts[2 * pair + side]!
      for (let i = 0, power = 1; i < n / 2; i++) {
        values[(side * n) / 2 + i] = power
        power = (i + 1) % degree === 0 ? 1 : reduce(field, power * x)
      }
    }
    yield values
  }
}

/** Each power that is uploaded, of each group of bins: k adjacent slots a bin. */
function* powersOfBins(
  params: SetParams,
  felts: readonly Uint32Array[],
  bins: Int32Array | undefined,
): Generator<Float64Array> {
  const { n, t, feltsPerItem: k, binsPerGroup, groups } = params
  const { queryPowers } = params.powers!
  const field = createField(t)
  // Items that are asked for by themselves are in every bin.
  const single = bins === undefined ? powersOfItem(field, queryPowers, felts[0]!) : undefined
  for (let group = 0; group < groups; group++) {
    const out = queryPowers.map(() => new Float64Array(n))
    for (let bin = 0; bin < binsPerGroup && group * binsPerGroup + bin < params.bins; bin++) {
      const item = bins === undefined ? 0 : bins[group * binsPerGroup + bin]!
      if (item < 0) continue
      const values = single ?? powersOfItem(field, queryPowers, felts[item]!)
      for (const [i, slots] of out.entries()) slots.set(values.subarray(i * k, (i + 1) * k), bin * k)
    }
    yield* out
  }
}

/** [power][felt] of an item's elements, of ascending powers. */
function powersOfItem(field: Field, queryPowers: readonly number[], felts: Uint32Array): Float64Array {
  const values = new Float64Array(queryPowers.length * felts.length)
  felts.forEach((x, j) => {
    let [power, value] = [1, x]
    for (const [i, wanted] of queryPowers.entries()) {
      for (; power < wanted; power++) value = reduce(field, value * x)
      values[i * felts.length + j] = value
    }
  })
  return values
}

/**
 * What the reply to a query says of its items, in the order of `query.items`. An item is found where all its field elements are roots in one bin of one
 * bundle; its label is read there and decrypted with the second half of its OPRF output (Cong et al. 2021, eprint 2021/1116, section 3.2).
 * @throws GloveboxError `malformed`, `too-large`, `parameters-mismatch` for what is no reply to it.
 */
export function readAnswers(
  keys: QueryKeys,
  query: PreparedQuery,
  outputs: readonly Uint8Array[],
  reply: Uint8Array,
  options: ReadOptions & { readonly epoch: number },
): Answer[] {
  const reading = answersOf(keys, query, outputs, reply, options)
  for (;;) {
    const step = reading.next()
    if (step.done) return step.value
  }
}

/** `readAnswers`, with a stop after each bundle: a reply of hundreds takes a page seconds. */
export function* answersOf(
  { params, scheme, secret }: QueryKeys,
  query: PreparedQuery,
  outputs: readonly Uint8Array[],
  reply: Uint8Array,
  options: ReadOptions & { readonly epoch: number },
): Generator<void, Answer[]> {
  const { feltsPerItem: k, binsPerGroup, pairs, polynomials, n } = params
  const answers: Answer[] = query.items.map(() => ({ found: false }))
  for (const { group, ciphertexts } of readReplies(params, scheme, reply, options)) {
    const decoded = ciphertexts.map((ciphertext) => {
      using plaintext = decrypt(scheme, secret, ciphertext)
      return scheme.decode(plaintext)
    })
    const at = (polynomial: number, bin: number, j: number): number =>
      params.method === 'matrix'
        ? decoded[polynomial * pairs + Math.floor(j / 2)]![((j % 2) * n) / 2 + bin]!
        : decoded[polynomial]![bin * k + j]!
    const bins = Math.min(binsPerGroup, params.bins - group * binsPerGroup)
    for (let bin = 0; bin < bins; bin++) {
      const item = query.bins === undefined ? 0 : query.bins[group * binsPerGroup + bin]!
      if (item < 0 || answers[item]!.found) continue
      let zeros = 0
      while (zeros < k && at(0, bin, zeros) === 0) zeros++
      if (zeros < k) continue
      answers[item] = { found: true }
      if (params.labelBytes === 0) continue
      const felts = Uint32Array.from({ length: (polynomials - 1) * k }, (_, i) => at(1 + Math.floor(i / k), bin, i % k))
      if (felts.some((felt) => felt >= 2 ** params.feltBits))
        throw new GloveboxError(
          'malformed',
          'the label of an item is none: its set is damaged, or the sender makes replies up',
        )
      const labelKey = outputs[query.items[item]!]!.subarray(32)
      answers[item] = { found: true, label: encryptLabel(labelKey, labelOf(params, felts)) }
    }
    yield
  }
  return answers
}

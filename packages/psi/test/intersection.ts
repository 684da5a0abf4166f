import { hash } from 'node:crypto'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect } from 'vitest'
import type { SetEntry } from '../src/database/records.ts'
import { openEvaluator } from '../src/evaluate/evaluator.ts'
import { bucketOf, feltsOf, hashFunctionsOf, locationsOf } from '../src/hashing/tag.ts'
import type { SetParamsLiteral } from '../src/params/params.ts'
import { createSetParams, type SetParams } from '../src/params/set-params.ts'
import { createQueryKeys } from '../src/receiver/keyring.ts'
import { type Answer, prepareQueries, readAnswers } from '../src/receiver/query.ts'
import { folder, newSet, standIn } from './clear.ts'

// Intersections through database, evaluator and receiver, against the plain ones. Items are outputs of the OPRF, so that they can be made to meet.

const limits = { epoch: 0, maxBytes: 1e9 }

/** What a receiver finds out about outputs that it asks for; nothing but frames goes between the two. */
export async function intersect(
  literal: SetParamsLiteral,
  entries: readonly SetEntry[],
  asked: readonly Uint8Array[],
): Promise<Answer[]> {
  using directory = folder()
  using set = newSet(join(directory.path, 'set'), literal)
  await set.build(entries, { evaluate: standIn, threads: 1 })
  const { params } = set
  using evaluator = openEvaluator(params, set.rows(), { threads: 1 })
  using keys = createQueryKeys(params)
  using decoded = keys.upload && evaluator.decodeKeys(keys.upload, limits.maxBytes)
  const epoch = set.epoch
  const answers: Answer[] = []
  for (const query of prepareQueries(keys, asked, epoch)) {
    const reply = evaluator.answer(query.bytes, decoded, { ...limits, epoch })
    readAnswers(keys, query, asked, reply, { ...limits, epoch }).forEach((answer, i) => {
      answers[query.items[i]!] = answer
    })
  }
  return answers
}

/** How one item is made. */
interface Spec {
  /** Items of a family have all elements in common but one. */
  readonly family: number | undefined
  /** The element in which it differs from its family. */
  readonly place: number
  /** Items of a home share bucket and locations. */
  readonly home: number | undefined
  /** All elements are those of the item before it, and bucket or locations are others: a match in the wrong place. */
  readonly twin: boolean
  readonly role: 'member' | 'asked' | 'both'
  /** In the sender's list, before the entry that counts. */
  readonly duplicates: number
}

export interface Size {
  /** Items of all kinds, at most. */
  readonly items: number
  /** Of these, asked for, at most. */
  readonly asked: number
  /** Members besides, all in one home: `itemsPerBin` + 1 take a second bundle where there are hash functions. */
  readonly crowd?: number
  /** All locations are in the last group of bins, so that the others are as empty as a set can be. */
  readonly narrow?: boolean
  /** No items share their locations on purpose: for sets that many bundles would match by chance in. */
  readonly spread?: boolean
  readonly numRuns: number
}

const specs = (feltsPerItem: number): fc.Arbitrary<Spec> =>
  fc.record({
    family: fc.option(fc.nat(1), { nil: undefined }),
    place: fc.nat(feltsPerItem - 1),
    home: fc.option(fc.nat(1), { nil: undefined }),
    twin: fc.boolean(),
    role: fc.constantFrom('member', 'asked', 'both'),
    duplicates: fc.constantFrom(0, 0, 0, 1, 2),
  })

const bytesOf = (...parts: readonly (string | number)[]): Uint8Array =>
  new Uint8Array(hash('sha512', parts.join('/'), 'buffer'))

function writeElements(params: SetParams, output: Uint8Array, felts: readonly number[]): void {
  const { feltBits: b, itemBits } = params
  let tag = 0n
  for (let i = 0; i < 16; i++) tag |= BigInt(output[i]!) << BigInt(8 * i)
  tag = (tag >> BigInt(itemBits)) << BigInt(itemBits)
  for (const [j, felt] of felts.entries()) tag |= BigInt(felt) << BigInt(j * b)
  for (let i = 0; i < 16; i++) output[i] = Number((tag >> BigInt(8 * i)) & 255n)
}

/** Whether a match of one would be one of the other, if their elements are the same. */
function apart(params: SetParams, a: Uint8Array, b: Uint8Array): boolean {
  if (bucketOf(params, a) !== bucketOf(params, b)) return true
  const others = locationsOf(params, b)
  return hashFunctionsOf(params) > 0 && !locationsOf(params, a).some((location) => others.includes(location))
}

/** Gives an output a bucket and locations by a name. */
function settle(params: SetParams, output: Uint8Array, narrow: boolean, ...name: readonly (string | number)[]): void {
  const last = (params.groups - 1) * params.binsPerGroup
  for (let i = 0; ; i++) {
    output.set(bytesOf(...name, i).subarray(16, 26), 16)
    if (!narrow || locationsOf(params, output).every((location) => location >= last)) return
  }
}

function outputsOf(params: SetParams, salt: number, list: readonly Spec[], narrow: boolean): Uint8Array[] {
  const { feltBits: b, feltsPerItem: k } = params
  // A set tells items apart by the 128 bits that elements are taken from: twins need some that are in none.
  const separable = params.itemBits < 128 && (params.prefixBits > 0 || hashFunctionsOf(params) > 0)
  const outputs: Uint8Array[] = []
  for (const [position, { family, place, home, twin }] of list.entries()) {
    const output = bytesOf(salt, position)
    const before = outputs[position - 1]
    outputs.push(output)
    if (twin && separable && before && !list[position - 1]!.twin) {
      writeElements(params, output, [...feltsOf(params, before)])
      // The few bits above the elements may be the same by chance.
      if (output.subarray(0, 16).every((byte, i) => byte === before[i])) output[15]! ^= 0x80
      for (let i = 0; i === 0 || !apart(params, before, output); i++) settle(params, output, narrow, salt, position, i)
      continue
    }
    if (family !== undefined) {
      // The upper half is that of families, the lower one has what is different.
      const half = 2 ** (b - 1)
      const words = new Uint32Array(bytesOf(salt, 'family', family).buffer)
      const felts = Array.from({ length: k }, (_, j) => half + (words[j]! % half))
      felts[place] = position
      writeElements(params, output, felts)
    }
    if (home === undefined) settle(params, output, narrow, salt, position)
    else settle(params, output, narrow, salt, 'home', home)
  }
  return outputs
}

/** That random sets, with items that meet wherever they can, have their plain intersection. */
export async function expectIntersections(literal: SetParamsLiteral, size: Size): Promise<void> {
  const params = createSetParams(literal)
  const { labelBytes } = params
  const { narrow = false, spread = false } = size
  const label = (salt: number, position: number): Uint8Array => {
    const bytes = new Uint8Array(labelBytes)
    for (let at = 0; at < labelBytes; at += 64)
      bytes.set(bytesOf(salt, position, 'label', at).subarray(0, labelBytes - at), at)
    return bytes
  }
  await fc.assert(
    fc.asyncProperty(
      fc.nat(),
      fc.array(specs(params.feltsPerItem), { minLength: Math.ceil(size.items / 2), maxLength: size.items }),
      async (salt, list) => {
        const homes = spread ? list.map((spec) => ({ ...spec, home: undefined })) : list
        const outputs = outputsOf(params, salt, homes, narrow)
        const entry = (item: Uint8Array, number: number): SetEntry => ({
          item,
          ...(labelBytes > 0 && { label: label(salt, number) }),
        })
        const entries: SetEntry[] = []
        for (const [position, { role, duplicates }] of list.entries())
          if (role !== 'asked') for (let i = 0; i < duplicates; i++) entries.push(entry(outputs[position]!, -1 - i))
        const crowd = Array.from({ length: size.crowd ?? 0 }, (_, i) => {
          const item = bytesOf(salt, 'crowd', i)
          settle(params, item, narrow, salt, 'home', 0)
          entries.push(entry(item, 1_000_000 + i))
          return item
        })
        for (const [position, { role }] of list.entries())
          if (role !== 'asked') entries.push(entry(outputs[position]!, position))
        // One of the crowd is asked for too.
        const asked = outputs.filter((_, position) => list[position]!.role !== 'member').slice(0, size.asked)
        asked.push(...crowd.slice(-1))

        const plain = new Map(entries.map(({ item, label }) => [Buffer.from(item).toString('hex'), label]))
        const expected = asked.map((output): Answer => {
          const key = Buffer.from(output).toString('hex')
          const known = plain.get(key)
          return plain.has(key) ? { found: true, ...(known && { label: known }) } : { found: false }
        })
        expect(await intersect(literal, entries, asked)).toEqual(expected)
      },
    ),
    { numRuns: size.numRuns, endOnFailure: true },
  )
}

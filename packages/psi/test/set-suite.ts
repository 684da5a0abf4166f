import { join } from 'node:path'
import fc from 'fast-check'
import { expect } from 'vitest'
import type { SetEntry } from '../src/database/records.ts'
import type { PsiSet } from '../src/database/set.ts'
import type { SetParamsLiteral } from '../src/params/params.ts'
import { createSetParams } from '../src/params/set-params.ts'
import { ClearSet, folder, newSet, standIn, tinyMatrix, tinyPowers } from './clear.ts'

export const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex')

/** That the set is exactly the map from items to labels, as far as `universe` goes. */
export async function expectSame(
  set: PsiSet,
  expected: ReadonlyMap<Uint8Array, string>,
  universe: readonly Uint8Array[],
): Promise<void> {
  const clear = new ClearSet(set)
  for (const item of universe) {
    const label = expected.get(item)
    const found = label === undefined ? [] : new Array<string>(await clear.copies(item)).fill(label)
    expect(await clear.find(item)).toEqual(found)
  }
  expect(set.items).toBe(expected.size)
}

/**
 * Outputs of the OPRF that meet: in buckets, in locations, and in all elements but the last of those that are used, which tells items apart. Behind the
 * elements the position is in the tag once more, as tags are compared as a whole.
 */
export function meeting(
  position: number,
  pool: readonly number[],
  { feltBits, feltsPerItem }: { feltBits: number; feltsPerItem: number },
): Uint8Array {
  const output = new Uint8Array(64)
  let tag = BigInt(position) << BigInt(feltBits * feltsPerItem)
  for (let j = 0; j < feltsPerItem; j++)
    tag |= BigInt(j === feltsPerItem - 1 ? position + 1 : 7 + pool[j % pool.length]!) << BigInt(j * feltBits)
  for (let i = 0; i < 16; i++) output[i] = Number((tag >> BigInt(8 * i)) & 255n)
  output[16] = pool[0]! << 6
  output[18] = pool[1]!
  output[22] = pool[2]!
  output[40] = position
  return output
}

export const shapes: readonly [string, SetParamsLiteral][] = [
  ['powers, no hashing', tinyPowers()],
  ['powers, no hashing, labels, prefix', tinyPowers({ labelBytes: 23, prefixBits: 2 })],
  ['powers, 3 functions', tinyPowers({ hashFunctions: 3 })],
  ['powers, 3 functions, labels, prefix', tinyPowers({ hashFunctions: 3, labelBytes: 5, prefixBits: 1 })],
  ['matrix, prefix', tinyMatrix({ prefixBits: 1 })],
  ['matrix, labels', tinyMatrix({ labelBytes: 9 })],
]

/** After builds, inserts and removals in any order the rows are the set, where items meet. */
export async function expectSet(literal: SetParamsLiteral, numRuns: number): Promise<void> {
  const params = createSetParams(literal)
  const size = 60
  const step = fc.record({
    kind: fc.constantFrom('insert', 'remove'),
    items: fc.array(fc.tuple(fc.nat(size - 1), fc.nat(255)), { minLength: 15, maxLength: 40 }),
  })
  const pools = fc.array(fc.tuple(fc.nat(1), fc.nat(2), fc.nat(1)), { minLength: size, maxLength: size })
  await fc.assert(
    fc.asyncProperty(pools, fc.array(step, { minLength: 1, maxLength: 4 }), async (pool, steps) => {
      using directory = folder()
      using set = newSet(join(directory.path, 'set'), literal)
      const universe = pool.map((own, position) => meeting(position, own, params))
      const expected = new Map<Uint8Array, string>()
      const labelOf = (seed: number): Uint8Array => new Uint8Array(literal.labelBytes).map((_, i) => seed + 13 * i)
      for (const [number, { kind, items }] of steps.entries()) {
        const chosen = items.map(([i]) => universe[i]!)
        const entries: SetEntry[] = items.map(([i, seed]) => ({
          item: universe[i]!,
          ...(literal.labelBytes > 0 && { label: labelOf(seed) }),
        }))
        if (kind === 'insert' || number === 0) {
          const before = expected.size
          for (const { item, label } of entries) expected.set(item, hex(label))
          const inserted = expected.size - before
          const distinct = new Set(chosen).size
          if (number === 0)
            expect(await set.build(entries, { evaluate: standIn, batchItems: 7 })).toEqual({
              items: inserted,
              duplicates: chosen.length - distinct,
            })
          else expect(await set.insert(entries, standIn)).toEqual({ inserted, replaced: distinct - inserted })
        } else {
          const unknown = [...chosen.keys()].filter((i) => !expected.has(chosen[i]!))
          const before = expected.size
          for (const item of chosen) expected.delete(item)
          expect(await set.remove(chosen, standIn)).toEqual({ removed: before - expected.size, unknown })
        }
        await expectSame(set, expected, universe)
      }
    }),
    { numRuns },
  )
}

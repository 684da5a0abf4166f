import { hkdfSync, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encryptLabelNode } from '../database/records.ts'
import { cuckooSecurity, emptyBin, itemsPerTable, placeItems } from './cuckoo.ts'
import { encryptLabel, labelFelts, labelOf, maxLabelBytes } from './label.ts'
import { binOf, bucketOf, feltsOf, locationsOf } from './tag.ts'

const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length })
/** Bits [at, at + count) of the little-endian number. */
function bitsOf(number: Uint8Array, at: number, count: number): number {
  const value = number.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
  return Number((value >> BigInt(at)) & ((1n << BigInt(count)) - 1n))
}
const shape = fc
  .integer({ min: 1, max: 26 })
  .chain((feltBits) => fc.tuple(fc.constant(feltBits), fc.integer({ min: 1, max: Math.floor(128 / feltBits) })))

describe('a tag', () => {
  test('is read as elements, bits of a little-endian number', () => {
    fc.assert(
      fc.property(bytes(40), shape, ([...tag], [feltBits, feltsPerItem]) => {
        const params = { feltBits, feltsPerItem, prefixBits: 0, bins: 1 }
        const own = Uint8Array.from(tag.slice(5, 21))
        const expected = Array.from({ length: feltsPerItem }, (_, j) => bitsOf(own, j * feltBits, feltBits))
        expect([...feltsOf(params, Uint8Array.from(tag), 5)]).toEqual(expected)
        expect([...feltsOf(params, Uint8Array.from(tag.slice(5)))]).toEqual(expected)
      }),
    )
  })

  test('has its bucket in the upper bits of bytes 16 and 17', () => {
    const tag = new Uint8Array(32)
    tag.set([0xab, 0xcd], 16)
    const bucket = (prefixBits: number): number => bucketOf({ prefixBits, feltBits: 1, feltsPerItem: 1, bins: 1 }, tag)
    expect([0, 1, 4, 8, 12, 16].map(bucket)).toEqual([0, 1, 0xa, 0xab, 0xabc, 0xabcd])
  })

  // As the design of the protocol states it, on bigint.
  const mix = (value: bigint): bigint => {
    const m = (1n << 32n) - 1n
    let h = value
    h = ((h ^ (h >> 16n)) * 0x85ebca6bn) & m
    h = ((h ^ (h >> 13n)) * 0xc2b2ae35n) & m
    return h ^ (h >> 16n)
  }
  test('has locations by two words', () => {
    fc.assert(
      fc.property(bytes(32), fc.integer({ min: 0, max: 8 }), fc.integer({ min: 1, max: 2 ** 24 }), (tag, h, bins) => {
        const params = { feltBits: 1, feltsPerItem: 1, prefixBits: 0, bins, powers: { hashFunctions: h } }
        const [x, y] = [18, 22].map((at) => BigInt(new DataView(tag.buffer, tag.byteOffset).getUint32(at, true)))
        const all = Array.from({ length: h }, (_, i) =>
          Number(mix(x! ^ mix((y! + BigInt(i) * 0x9e3779b9n) % 2n ** 32n)) % BigInt(bins)),
        )
        expect(locationsOf(params, tag)).toEqual([...new Set(all)])
      }),
    )
    const params = { feltBits: 1, feltsPerItem: 1, prefixBits: 0, bins: 30 }
    expect(locationsOf(params, randomBytes(32))).toEqual([])
    expect([0, 11, 12, 29].map((location) => binOf(12, location))).toEqual([
      { group: 0, bin: 0 },
      { group: 0, bin: 11 },
      { group: 1, bin: 0 },
      { group: 2, bin: 5 },
    ])
  })
})

describe('cuckoo hashing', () => {
  test('places every item at one of its locations, one in a bin', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 2, max: 4 }), (n, h) => {
        const bins = Math.ceil((h === 2 ? 4 : 1.6) * n) + 12
        const params = { feltBits: 1, feltsPerItem: 1, prefixBits: 0, bins, powers: { hashFunctions: h } }
        const locations = Array.from({ length: n }, () => locationsOf(params, randomBytes(32)))
        let table: Int32Array
        try {
          table = placeItems(locations, bins)
        } catch (error) {
          // With two functions one set in n has no placement.
          expect([h, (error as { code?: string }).code]).toEqual([2, 'unsupported'])
          return
        }
        expect(table).toHaveLength(bins)
        const placed = [...table.entries()].filter(([, item]) => item !== emptyBin)
        expect(placed.map(([, item]) => item).sort((a, b) => a - b)).toEqual([...locations.keys()])
        for (const [bin, item] of placed) expect(locations[item]).toContain(bin)
      }),
      { numRuns: 30 },
    )
  })

  test('finds the only placement there is', () => {
    // Item i can be in bins i and i + 1, and the last is taken: all have to move down.
    const chain = Array.from({ length: 20 }, (_, i) => [i + 1, i])
    chain.push([20])
    expect([...placeItems(chain, 21)]).toEqual([...chain.keys()])
  })

  test('says when items do not fit, and which argument is wrong', () => {
    const four = [
      [0, 1, 2],
      [0, 1, 2],
      [0, 1, 2],
      [0, 1, 2],
    ]
    expect(() => placeItems(four, 8)).toThrow(expect.objectContaining({ code: 'unsupported' }))
    expect(() => placeItems(four, 8)).toThrow(/4 items found no places in 8 bins: ask for fewer at a time/)
    expect(() => placeItems([[0], [8]], 8)).toThrow(/"locations\[1\]" expected bins from 0 to 7, got 8/)
    expect(() => placeItems([[]], 8)).toThrow(RangeError)
  })

  test('fails as rarely as stated', () => {
    // The published table of expansions for 2^-40 (PIR-PSI, appendix B) is about 1.5 at these sizes.
    for (const n of [512, 1024, 4096, 2 ** 16, 2 ** 20]) {
      expect(cuckooSecurity(n, 1.6 * n)).toBeGreaterThan(40)
      expect(cuckooSecurity(n, 1.35 * n)).toBeLessThan(40)
      expect(cuckooSecurity(n, 1.1 * n)).toBeLessThan(3)
    }
  })
})

describe('a table that several items share', () => {
  test('takes so many that they find places, whatever they are', () => {
    expect(itemsPerTable(3, 1638)).toBeGreaterThanOrEqual(1100)
    expect(itemsPerTable(3, 409)).toBe(Math.floor(409 / 1.45))
    for (const bins of [256, 600, 2560, 20000, 2 ** 20]) {
      const n = itemsPerTable(3, bins)
      if (n >= 512) expect(cuckooSecurity(n, bins)).toBeGreaterThanOrEqual(20)
      expect(n).toBeGreaterThan(bins / 1.6)
      expect(n).toBeLessThan(bins / 1.2)
    }
  })
  test('is for one item where two may share all of their bins', () => {
    expect(itemsPerTable(1, 2 ** 20)).toBe(1)
    expect(itemsPerTable(2, 2 ** 20)).toBe(1)
    expect(itemsPerTable(8, 2)).toBe(1)
  })
})

describe('a label', () => {
  test('is encrypted by HKDF-Expand-SHA512, its own inverse', () => {
    fc.assert(
      fc.property(bytes(32), fc.uint8Array({ maxLength: 300 }), (key, label) => {
        const encrypted = encryptLabel(key, label)
        expect(encryptLabel(key, encrypted)).toEqual(label)
        expect(encryptLabelNode(key, label)).toEqual(encrypted)
        const buffer = Buffer.from(label)
        encryptLabelNode(key, buffer)
        encryptLabel(key, buffer)
        expect(new Uint8Array(buffer), 'the argument is left as it was').toEqual(label)
      }),
    )
    expect(encryptLabel(new Uint8Array(32), new Uint8Array(maxLabelBytes))).toHaveLength(maxLabelBytes)
    expect(() => encryptLabel(new Uint8Array(32), new Uint8Array(maxLabelBytes + 1))).toThrow()
  })

  test('has a stream of its own for each key, and none of HKDF under another info', () => {
    const [a, b] = [
      encryptLabel(new Uint8Array(32), new Uint8Array(64)),
      encryptLabel(new Uint8Array(32).fill(1), new Uint8Array(64)),
    ]
    expect(a).not.toEqual(b)
    expect(Buffer.from(a).equals(Buffer.from(hkdfSync('sha512', new Uint8Array(32), '', '', 64)))).toBe(false)
  })

  test('goes into elements and comes back', () => {
    fc.assert(
      fc.property(shape, fc.uint8Array({ maxLength: 60 }), ([feltBits, feltsPerItem], label) => {
        const labelPolynomials = Math.ceil((8 * label.length) / (feltBits * feltsPerItem))
        const params = { feltBits, feltsPerItem, labelBytes: label.length, labelPolynomials }
        const felts = labelFelts(params, label)
        expect([...felts]).toEqual(
          Array.from({ length: labelPolynomials * feltsPerItem }, (_, i) => bitsOf(label, i * feltBits, feltBits)),
        )
        expect(labelOf(params, felts)).toEqual(label)
      }),
    )
    const params = { feltBits: 16, feltsPerItem: 5, labelBytes: 3, labelPolynomials: 1 }
    expect(() => labelOf(params, [0, 0, 65536, 0, 0])).toThrow(RangeError)
  })
})

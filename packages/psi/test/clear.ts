import { hash } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSet } from '../src/database/create-set.ts'
import type { SetEntry } from '../src/database/records.ts'
import type { PsiSet } from '../src/database/set.ts'
import type { Row } from '../src/evaluate/loaded.ts'
import { encryptLabel, labelOf } from '../src/hashing/label.ts'
import { bucketOf, feltsOf, locationsOf } from '../src/hashing/tag.ts'
import { createOprfKey } from '../src/oprf/key.ts'
import type { SetParamsLiteral } from '../src/params/params.ts'
import { createSetParams, type SetParams } from '../src/params/set-params.ts'

// Sets with a stand-in for the OPRF, looked up in the clear.

/** 64 bytes are their own output, so that a test chooses where items meet; of anything else it is SHA-512. */
export async function standIn(items: readonly Uint8Array[]): Promise<Uint8Array> {
  const outputs = new Uint8Array(64 * items.length)
  for (const [i, item] of items.entries())
    outputs.set(item.length === 64 ? item : hash('sha512', item, 'buffer'), 64 * i)
  return outputs
}

interface TinyOptions {
  readonly labelBytes?: number
  readonly prefixBits?: number
  readonly hashFunctions?: number
}

/** N = 64, t = 65537: 12 bins of 5 elements in a ciphertext, 4 items each; 0 hash functions use one ciphertext, others three, of which the last is half full. */
export function tinyPowers({ labelBytes = 0, prefixBits = 0, hashFunctions = 0 }: TinyOptions = {}): SetParamsLiteral {
  return {
    method: 'powers',
    he: {
      scheme: 'bfv',
      ringDegree: 64,
      modulusBits: [50],
      specialBits: [],
      plaintextModulus: 65537,
      security: 'INSECURE',
    },
    feltsPerItem: 5,
    labelBytes,
    prefixBits,
    powers: {
      hashFunctions,
      tableSize: hashFunctions > 0 ? 30 : 12,
      maxItemsPerBin: 4,
      queryPowers: [1, 2, 3, 4],
      psLowDegree: 0,
    },
  }
}

/** N = 64, t = 65537: 32 bins of 7 items, 4 elements each. */
export function tinyMatrix({ labelBytes = 0, prefixBits = 0 }: TinyOptions = {}): SetParamsLiteral {
  return {
    method: 'matrix',
    he: {
      scheme: 'bfv',
      ringDegree: 64,
      modulusBits: [40, 40],
      specialBits: [45],
      plaintextModulus: 65537,
      security: 'INSECURE',
    },
    feltsPerItem: 4,
    labelBytes,
    prefixBits,
    matrix: { degree: 8, babySteps: 4 },
  }
}

export interface TemporaryFolder extends Disposable {
  readonly path: string
}

/** In memory where there is such a file system: commits are synced, and a disk takes its time. */
const temporary: string = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

export function folder(): TemporaryFolder {
  const path = mkdtempSync(join(temporary, 'glovebox-psi-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

/** A new set without content. */
export function newSet(directory: string, literal: SetParamsLiteral): PsiSet {
  using key = createOprfKey()
  return createSet(directory, {
    name: 'test',
    kind: 'bytes',
    hardening: { algorithm: 'none' },
    params: createSetParams(literal),
    key,
  })
}

/** Exact, as t < 2^26. */
function valueAt(coefficients: Uint32Array, x: number, t: number): number {
  return coefficients.reduceRight((value, c) => (value * x + c) % t, 0)
}

/** All rows, by bucket and bin of the table. */
export class ClearSet {
  readonly rows: readonly Row[]
  readonly #params: SetParams
  readonly #places: ReadonlyMap<string, readonly Row[]>

  constructor(set: PsiSet) {
    this.#params = set.params
    this.rows = [...set.rows()]
    this.#places = Map.groupBy(
      this.rows,
      ({ bucket, group, bin }) => `${bucket}/${group * set.params.binsPerGroup + bin}`,
    )
  }

  /** Labels of the rows in which all elements of an item are roots, by the rows that a receiver would look at: hexadecimal digits, '' without labels. */
  async find(item: Uint8Array): Promise<string[]> {
    const { feltsPerItem: k, coefficients: length, polynomials, bins } = this.#params
    const output = await standIn([item])
    const felts = feltsOf(this.#params, output)
    const hashed = (this.#params.powers?.hashFunctions ?? 0) > 0
    const locations = hashed ? locationsOf(this.#params, output) : [...new Array(bins).keys()]
    const bucket = bucketOf(this.#params, output)
    const rows = locations.flatMap((location) => this.#places.get(`${bucket}/${location}`) ?? [])
    const { t } = this.#params
    return rows.flatMap(({ coefficients }) => {
      const value = (i: number): number =>
        valueAt(coefficients.subarray(i * length, (i + 1) * length), felts[i % k]!, t)
      for (let j = 0; j < k; j++) if (value(j) !== 0) return []
      const values = Array.from({ length: (polynomials - 1) * k }, (_, i) => value(k + i))
      const label = labelOf(this.#params, values)
      return [Buffer.from(encryptLabel(output.subarray(32), label)).toString('hex')]
    })
  }

  /** How often an item that is in the set is found. */
  async copies(item: Uint8Array): Promise<number> {
    const hashed = (this.#params.powers?.hashFunctions ?? 0) > 0
    return hashed ? locationsOf(this.#params, await standIn([item])).length : 1
  }
}

/** Entries whose items are short texts. */
export function textEntries(from: number, to: number, labelBytes = 0): SetEntry[] {
  return Array.from({ length: to - from }, (_, i) => ({
    item: new TextEncoder().encode(`item ${from + i}`),
    ...(labelBytes > 0 && {
      label: new Uint8Array(hash('sha512', `label ${from + i}`, 'buffer')).slice(0, labelBytes),
    }),
  }))
}

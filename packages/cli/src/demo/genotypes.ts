import { join } from 'node:path'
import { readInput } from '../files.ts'
import { readModelJson } from './model-file.ts'
import { columnOf, readTable } from './table.ts'

// Genotypes of Arabidopsis, real and made up, as models/flowering/README.md describes them.

/** SNPs of a genotype. */
export const snps = 53_859
/** Columns of the model that is resampled from them. */
export const resampledSnps = 200_000

const folder = 'genomics-arabidopsis-ft16'
const block = { length: 100, seed: 2010 }

/** A plant: its SNPs, 0 or 1, and, of real ones, where it comes from and after how many days it flowers. */
export interface Genotype {
  readonly name: string
  readonly alleles: Uint8Array
  readonly days?: number
}

/** Which SNP each of the 200,000 columns is: blocks of neighbours from random places. */
export function resampledColumns(): Uint32Array {
  const next = xorshift32(block.seed)
  const columns = new Uint32Array(resampledSnps)
  for (let at = 0; at < resampledSnps; at += block.length) {
    const start = Math.floor((next() * (snps - block.length + 1)) / 2 ** 32)
    for (let i = 0; i < block.length; i++) columns[at + i] = start + i
  }
  return columns
}

/** The accessions that no model was trained on: every fifth. */
export async function heldOutGenotypes(data: string, most: number): Promise<Genotype[]> {
  const table = await readTable(join(data, folder, 'accessions_162.csv'))
  const packed = await readInput(join(data, folder, 'genotype_162x53859_packbits_msb.bin'))
  const names = columnOf(table, 'nativename')
  const days = columnOf(table, 'FT16').map(Number)
  const width = Math.ceil(snps / 8)
  return days
    .map((value, row) => ({
      name: names[row]!,
      days: value,
      alleles: Uint8Array.from({ length: snps }, (_, i) => (packed[row * width + (i >> 3)]! >> (7 - (i & 7))) & 1),
    }))
    .filter((_, row) => row % 5 === 4)
    .slice(0, most)
}

interface Generator {
  readonly block: number
  readonly early: string
  readonly late: string
  readonly samples: readonly { readonly name: string; readonly seed: number; readonly late: number }[]
}

/** Genotypes of no accession: blocks of the late or the early kind, with runs that go together. Beyond those that the file names, seeds go on. */
export async function syntheticGenotypes(count: number): Promise<Genotype[]> {
  const made = await readModelJson<Generator>('flowering', 'synthetic.json')
  const frequencies = [made.early, made.late].map((text) => {
    const packed = Buffer.from(text, 'base64')
    return Uint8Array.from({ length: snps }, (_, i) => (packed[i >> 2]! >> (2 * (i & 3))) & 3)
  })
  return Array.from({ length: count }, (_, k) => {
    const { seed, late } = made.samples[k] ?? { seed: made.samples[0]!.seed + k, late: (k % 11) / 10 }
    const next = xorshift32(seed)
    const alleles = new Uint8Array(snps)
    let kind = 0
    let u = 0
    for (let i = 0; i < snps; i++) {
      if (i % made.block === 0) {
        kind = Number(next() < late * 2 ** 32)
        u = next()
      } else if (next() < 0.1 * 2 ** 32) {
        u = next()
      }
      alleles[i] = Number(u * 8 < (2 * frequencies[kind]![i]! + 1) * 2 ** 32)
    }
    return { name: `synthetic-${k + 1}`, alleles }
  })
}

/** Numbers from 1 to 2^32 - 1: Marsaglia 2003, shifts 13, 17, 5. */
function xorshift32(seed: number): () => number {
  let x = seed
  return () => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    return x >>> 0
  }
}

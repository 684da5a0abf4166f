import type { ByteReader, ByteWriter } from '../base/bytes.ts'
import { GloveboxError } from '../base/errors.ts'
import type { Ptr } from '../kernels/table.ts'
import type { Ring } from '../ring/ring.ts'
import { memberBytes, readMember, readU64, writeMember, writeU64 } from './seal-frame.ts'
import { readParmsId } from './seal-parameters.ts'
import { expandSealSeed, type SealGenerator, sealSeedBytes } from './seal-random.ts'

// Polynomials are arrays (DynArray) of u64: count u64, then limb after limb the residues in [0, p), N each.

/** The indices of the ring's moduli that a `parms_id` stands for. */
export function moduliOf(ring: Ring, level: number | 'key'): number[] {
  const count = level === 'key' ? ring.moduli.length : level + 1
  return Array.from({ length: count }, (_, i) => i)
}

export interface SealArray {
  readonly count: number
  /** 8 bytes a value. */
  readonly bytes: Uint8Array
}

export function readArray(reader: ByteReader, field: string): SealArray {
  const member = readMember(reader, field)
  const count = readU64(member, `${field} size`)
  if (8 * count !== member.remaining) throw member.malformed(`${field} size`, `${member.remaining / 8}`, count)
  return { count, bytes: member.slice(8 * count, field) }
}

export function arrayBytes(count: number): number {
  return memberBytes(8 + 8 * count)
}

export function writeArray(writer: ByteWriter, count: number, write: () => void): void {
  writeMember(writer, 8 + 8 * count, () => {
    writeU64(writer, count)
    write()
  })
}

/** Balances n residues in [0, p) into a limb; refuses those that are not. */
export function readResidues(
  reader: ByteReader,
  bytes: Uint8Array,
  limb: Float64Array,
  p: number,
  field: string,
): void {
  // A copy: the bytes may lie at any offset.
  const words = new Uint32Array(bytes.slice().buffer)
  const half = (p - 1) / 2
  let outside = 0
  for (let i = 0; i < limb.length; i++) {
    const value = words[2 * i + 1]! * 2 ** 32 + words[2 * i]!
    if (value >= p) outside++
    limb[i] = value > half ? value - p : value
  }
  // It may have been a secret; so below.
  words.fill(0)
  if (outside > 0) throw reader.malformed(field, `residues below ${p}`, `${outside} that are not`)
}

/** Appends a reduced limb as n residues in [0, p). */
export function writeResidues(writer: ByteWriter, limb: Float64Array, p: number): void {
  const words = new Uint32Array(2 * limb.length)
  for (let i = 0; i < limb.length; i++) {
    const value = limb[i]! < 0 ? limb[i]! + p : limb[i]!
    words[2 * i] = value % 2 ** 32
    words[2 * i + 1] = Math.floor(value / 2 ** 32)
  }
  writer.raw(new Uint8Array(words.buffer))
  words.fill(0)
}

interface Seed {
  readonly generator: SealGenerator
  readonly bytes: Uint8Array
}

function readSeed(reader: ByteReader): Seed {
  const member = readMember(reader, 'seed')
  const type = member.u8('generator')
  if (type !== 1 && type !== 2) {
    throw new GloveboxError(
      'unsupported',
      `${member.what} has a seed of generator ${type}, only 1 (BLAKE2Xb) and 2 (SHAKE256) are known: save it without seeds`,
    )
  }
  const bytes = member.slice(sealSeedBytes, 'seed')
  member.end()
  return { generator: type === 1 ? 'blake2xb' : 'shake256', bytes }
}

/** A ciphertext of SEAL before it takes memory: every length and field is checked, no residue yet. */
export interface SealCiphertext {
  readonly level: number | 'key'
  readonly ntt: boolean
  readonly parts: number
  readonly scale: number
  /** Of the ring's moduli, one a limb. */
  readonly indices: readonly number[]
  /** Fills limb `limb` of part `part` where `at` says. Throws GloveboxError `malformed` for residues that are not below their primes. */
  fill(at: (part: number, limb: number) => Ptr): void
}

const fieldBytes = 32 + 1 + 3 * 8 + 8 + 8

/** Bytes of the members of a whole ciphertext. */
export function sealCiphertextBytes(ring: Ring, parts: number, limbs: number): number {
  return fieldBytes + arrayBytes(parts * limbs * ring.n)
}

/** parms_id, is_ntt_form u8, size, poly_modulus_degree, coeff_modulus_size u64, scale f64, correction_factor u64, data, [seed]. */
export function readCiphertextMembers(reader: ByteReader, ring: Ring): SealCiphertext {
  const { n } = ring
  const level = readParmsId(reader, ring.params)
  if (level === 'none') throw reader.malformed('parms_id', 'that of a level', '0')
  const indices = moduliOf(ring, level)
  const ntt = reader.u8('is_ntt_form')
  if (ntt > 1) throw reader.malformed('is_ntt_form', '0 or 1', ntt)
  const parts = readU64(reader, 'size')
  if (parts < 2) throw reader.malformed('size', 'at least 2', parts)
  if (parts > 3) {
    throw new GloveboxError(
      'unsupported',
      `${reader.what} has ${parts} polynomials, at most 3 are supported: relinearise it in SEAL`,
    )
  }
  const degree = readU64(reader, 'poly_modulus_degree')
  if (degree !== n) throw reader.malformed('poly_modulus_degree', `${n}`, degree)
  const limbs = readU64(reader, 'coeff_modulus_size')
  if (limbs !== indices.length) throw reader.malformed('coeff_modulus_size', `${indices.length}`, limbs)
  const scale = reader.f64('scale')
  const correction = readU64(reader, 'correction_factor')
  if (correction !== 1) throw reader.malformed('correction_factor', '1, as only BGV has another', correction)
  const data = readArray(reader, 'data')
  const part = limbs * n
  const seeded = data.count === part
  if (!seeded && data.count !== parts * part) throw reader.malformed('data size', `${parts * part}`, data.count)
  if (seeded && parts !== 2) throw reader.malformed('size', '2, as part 1 comes from a seed', parts)
  const seed = seeded ? readSeed(reader) : undefined
  return {
    level,
    ntt: ntt === 1,
    parts,
    scale,
    indices,
    fill(at) {
      for (let i = 0; i < (seeded ? 1 : parts); i++) {
        indices.forEach((index, limb) => {
          const from = 8 * (i * part + limb * n)
          const { p } = ring.moduli[index]!
          const bytes = data.bytes.subarray(from, from + 8 * n)
          readResidues(reader, bytes, ring.heap.f64(at(i, limb), n), p, `part ${i}, limb ${limb}`)
        })
      }
      if (!seed) return
      const primes = indices.map((index) => ring.moduli[index]!.p)
      expandSealSeed(seed.generator, seed.bytes, n, primes, (limb) => ring.heap.f64(at(1, limb), n))
    },
  }
}

/** Writes the members of a ciphertext, limbs reduced at the places that `at` gives. */
export function writeCiphertextMembers(
  writer: ByteWriter,
  ring: Ring,
  members: {
    readonly parmsId: Uint8Array
    readonly ntt: boolean
    readonly parts: number
    readonly scale: number
    readonly indices: readonly number[]
  },
  at: (part: number, limb: number) => Ptr,
): void {
  const { parmsId, ntt, parts, scale, indices } = members
  const { n } = ring
  writer.raw(parmsId).u8(ntt ? 1 : 0)
  for (const value of [parts, n, indices.length]) writeU64(writer, value)
  writer.f64(scale)
  writeU64(writer, 1)
  writeArray(writer, parts * indices.length * n, () => {
    for (let part = 0; part < parts; part++) {
      indices.forEach((index, limb) => {
        writeResidues(writer, ring.heap.f64(at(part, limb), n), ring.moduli[index]!.p)
      })
    }
  })
}

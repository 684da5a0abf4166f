import { readdirSync, readFileSync } from 'node:fs'
import { constants, deflateSync, inflateSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GloveboxError } from '../base/errors.ts'
import type { Ring } from '../ring/ring.ts'
import { decrypt } from '../rlwe/decrypt.ts'
import { conjugationElement, rotationElement } from '../rlwe/keys.ts'
import { openBfv } from '../schemes/bfv/bfv.ts'
import { openCkks } from '../schemes/ckks/ckks.ts'
import { expectSameBytes } from '../test-support/same-bytes.ts'
import { sealGolden } from '../test-support/seal-golden.ts'
import { readSealCiphertext, writeSealCiphertext } from './seal-ciphertext.ts'
import {
  readSealGaloisKeys,
  readSealPublicKey,
  readSealRelinearisationKey,
  writeSealGaloisKeys,
  writeSealRelinearisationKey,
} from './seal-keys.ts'
import { readSealParameters } from './seal-parameters.ts'
import { readSealMessage, readSealPlaintext } from './seal-plaintext.ts'
import { readSealSecretKey, writeSealSecretKey } from './seal-secret-key.ts'
import { unzstd } from './zstd.ts'

// Files that node-seal saved, in vectors/seal: read without it, and read damaged.

const folder = (scheme: string): URL => new URL(`../../../../vectors/seal/${scheme}/`, import.meta.url)
const golden = (scheme: string, name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`${name}.seal`, folder(scheme))))

/** A frame with the size of its content, around another content. */
function reframe(content: Uint8Array, compression = 0): Uint8Array {
  const header = Buffer.from('5ea1100401000000', 'hex')
  header[5] = compression
  const size = Buffer.alloc(8)
  size.writeUInt32LE(16 + content.length)
  return new Uint8Array(Buffer.concat([header, size, content]))
}

/** The members of a frame, decompressed. */
function content(bytes: Uint8Array): Buffer {
  const inside = Buffer.from(bytes.subarray(16))
  if (bytes[5] === 1) return inflateSync(inside)
  return Buffer.from(bytes[5] === 2 ? unzstd(inside, 'it', 2 ** 24) : inside)
}

const open = {
  ckks: () => openCkks(readSealParameters(golden('ckks', 'parameters-none'))),
  bfv: () => openBfv(readSealParameters(golden('bfv', 'parameters-none'))),
} as const

type Context = { readonly ring: Ring }

/** What reads each kind of file. */
function reader(name: string, scheme: 'ckks' | 'bfv'): (context: Context, bytes: Uint8Array) => unknown {
  if (name.startsWith('parameters')) return (_context, bytes) => readSealParameters(bytes)
  if (name.startsWith('plaintext')) return scheme === 'ckks' ? readSealPlaintext : readSealMessage
  if (name.startsWith('ciphertext')) return readSealCiphertext
  if (name.startsWith('public')) return readSealPublicKey
  if (name.startsWith('relin')) return readSealRelinearisationKey
  if (name.startsWith('galois')) return readSealGaloisKeys
  return readSealSecretKey
}

/** Gives back what a reader took. */
function release(value: unknown): void {
  if (value instanceof Map) for (const key of value.values()) key[Symbol.dispose]()
  else (value as Partial<Disposable>)[Symbol.dispose]?.()
}

describe.each(['ckks', 'bfv'] as const)('%s', (scheme) => {
  const ckks = scheme === 'ckks' ? open.ckks() : undefined
  const bfv = scheme === 'bfv' ? open.bfv() : undefined
  const context = (ckks ?? bfv)!
  const { ring } = context
  const message = sealGolden[scheme]
  const secret = readSealSecretKey(context, golden(scheme, 'secret-key-zstd'))
  const decrypted = (ct: Parameters<typeof decrypt>[2]): number[] => [...context.decode(decrypt(context, secret, ct))]
  const most = (scale: number): number => (scheme === 'ckks' ? 2 ** 19 / scale : 0)
  const expectMessage = (got: readonly number[], scale: number, expected: readonly number[] = message): void => {
    expect(Math.max(...expected.map((x, i) => Math.abs(got[i]! - x)))).toBeLessThanOrEqual(most(scale))
  }

  test('the parameters, however they are compressed', () => {
    const read = ['none', 'zlib', 'zstd'].map((c) => readSealParameters(golden(scheme, `parameters-${c}`)))
    expect(read[0]).toMatchObject({ scheme, ringDegree: 2048, modulusBits: [18, 17], specialBits: [18] })
    expect(read[1]).toEqual(read[0])
    expect(read[2]).toEqual(read[0])
  })

  test('the plaintext', () => {
    const bytes = golden(scheme, 'plaintext-zstd')
    if (ckks) expectMessage([...ckks.decode(readSealPlaintext(ckks, bytes))], 2 ** 36)
    else expectMessage([...bfv!.decode(bfv!.encodeCoefficients(readSealMessage(bfv!, bytes)))], 1)
  })

  test.each(['ciphertext-zlib', 'ciphertext-seeded-none', 'ciphertext-seeded-zstd', 'ciphertext-level-0-zstd'])(
    'the %s decrypts, and reads back as it was written',
    (name) => {
      const ct = readSealCiphertext(context, golden(scheme, name))
      const low = name.includes('level-0')
      const scale = scheme === 'bfv' ? 1 : low ? sealGolden.lowScale : sealGolden.scale
      expect(ct).toMatchObject({ parts: 2, level: low ? 0 : 1, scale, seed: undefined })
      // A message of 14 bits at a modulus of 18 is beyond what is left at level 0.
      if (!low) expectMessage(decrypted(ct), scale)
      else if (ckks) expectMessage(decrypted(ct), 2 ** 19)
      for (const compression of ['none', 'zlib'] as const) {
        const written = writeSealCiphertext(ct, { compression })
        if (!name.includes('seeded')) expectSameBytes(content(written), content(golden(scheme, name)))
        expectSameBytes(writeSealCiphertext(readSealCiphertext(context, written), { compression }), written)
      }
    },
  )

  test('the keys work, and read back as they were written', () => {
    const key = readSealPublicKey(context, golden(scheme, 'public-key-seeded-zlib'))
    const plain = ckks ? ckks.encode(message, { scale: sealGolden.scale }) : bfv!.encode(message)
    const ct = context.encrypt(key, plain)
    expectMessage(decrypted(ct), sealGolden.scale)
    const galois = readSealGaloisKeys(context, golden(scheme, 'galois-keys-seeded-zlib'))
    expect([...galois.keys()].sort((a, b) => a - b)).toEqual([rotationElement(ring, 1), conjugationElement(ring)])
    const keys = { relinearisation: undefined, galois }
    const turned = ckks ? ckks.rotate(ct, 1, keys) : bfv!.rotateRows(ct, 1, keys)
    const left = (i: number): number => message[1024 * Math.floor(i / 1024) + ((i + 1) % 1024)]!
    expectMessage(
      decrypted(turned),
      sealGolden.scale,
      message.map((_, i) => left(i)),
    )
    const relin = readSealRelinearisationKey(context, golden(scheme, 'relin-keys-seeded-zstd'))
    if (ckks) {
      const small = ckks.encrypt(key, ckks.encode(message, { scale: 2 ** 16 }))
      const square = ckks.square(small)
      const narrow = ckks.relinearise(square, { relinearisation: relin, galois })
      expectMessage(decrypted(narrow), 2 ** 32, decrypted(square))
    }
    const written = writeSealRelinearisationKey(relin, { compression: 'none' })
    expectSameBytes(
      writeSealRelinearisationKey(readSealRelinearisationKey(context, written), { compression: 'none' }),
      written,
    )
    const both = writeSealGaloisKeys(context, galois, { compression: 'none' })
    expectSameBytes(writeSealGaloisKeys(context, readSealGaloisKeys(context, both), { compression: 'none' }), both)
    const most = 2 * context.ring.n - 1
    for (const element of [0, 1, 4, most + 2, -3, 3.5])
      expect(() => writeSealGaloisKeys(context, new Map([[element, relin]]))).toThrow(
        new RangeError(`"keys" expected Galois elements, odd from 3 to ${most}, got ${element}`),
      )
    expectSameBytes(content(writeSealSecretKey(secret)), content(golden(scheme, 'secret-key-zstd')))
  })

  const names = readdirSync(folder(scheme)).map((file) => file.replace('.seal', ''))

  test('every file cut anywhere, or with a byte behind it, is refused, and nothing is held', () => {
    expect(names).toHaveLength(12)
    for (const name of names) {
      const bytes = golden(scheme, name)
      const inside = content(bytes)
      const read = reader(name, scheme)
      const { used } = ring.heap
      const refuse = (input: Uint8Array): void => {
        expect(() => read(context, input)).toThrow(
          expect.objectContaining({ name: 'GloveboxError', code: 'malformed' }),
        )
        expect(ring.heap.used).toBe(used)
      }
      for (const keep of [0, 1, 2, 5, 15, 16, 17, 40, bytes.length >> 1, bytes.length - 1]) {
        refuse(bytes.subarray(0, keep))
        // The frame is whole, the members are not.
        if (keep < inside.length) refuse(reframe(inside.subarray(0, keep)))
      }
      for (const at of [90, 100, 120, 130, 150, inside.length - 66, inside.length - 82, inside.length - 1])
        if (at < inside.length) refuse(reframe(inside.subarray(0, at)))
      refuse(Buffer.concat([bytes, Buffer.alloc(1)]))
      const more = Buffer.concat([inside, Buffer.alloc(1)])
      expect(() => read(context, reframe(more))).toThrow(GloveboxError)
      expect(() => read(context, reframe(deflateSync(more), 1))).toThrow(GloveboxError)
      expect(() => read(context, reframe(zstdCompressSync(more), 2))).toThrow(GloveboxError)
      expect(ring.heap.used).toBe(used)
      release(read(context, reframe(deflateSync(inside), 1)))
      release(read(context, reframe(zstdCompressSync(inside), 2)))
      expect(ring.heap.used).toBe(used)
    }
  })

  test('damage anywhere is refused or harmless: no crash, no residue out of range, nothing held', {
    timeout: 30_000,
  }, () => {
    const small = names.filter((name) => !name.startsWith('galois'))
    const cases = small.flatMap((name) => {
      const bytes = golden(scheme, name)
      // As it is, and as it is inside, where no checksum of a compression stands in front.
      return [
        { name, bytes, head: bytes.length },
        { name, bytes: reframe(content(bytes)), head: 200 },
      ]
    })
    fc.assert(
      fc.property(
        fc.nat({ max: cases.length - 1 }),
        fc.boolean(),
        fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 3 }),
        (which, inHead, edits) => {
          const { name, bytes: original, head } = cases[which]!
          const bytes = original.slice()
          for (const [at, value] of edits) bytes[at % (inHead ? Math.min(head, bytes.length) : bytes.length)] = value
          const { used, peak } = ring.heap
          try {
            const value = reader(name, scheme)(context, bytes)
            if (name.startsWith('ciphertext')) {
              const ct = value as ReturnType<typeof readSealCiphertext>
              const { p } = ring.moduli[0]!
              for (const x of ring.heap.f64(ct.slab.ptr, ring.n))
                if (!(Math.abs(x) <= 0.7 * p)) throw new Error('range')
            }
            release(value)
          } catch (error) {
            expect(error).toBeInstanceOf(GloveboxError)
          }
          expect(ring.heap.used).toBe(used)
          // A relinearisation key in memory, and what a reader needs beside it.
          expect(ring.heap.peak).toBeLessThanOrEqual(Math.max(peak, used + 24 * ring.limbBytes))
        },
      ),
      { numRuns: 250 },
    )
  })
})

describe('hostile frames', () => {
  const ckks = open.ckks()
  const whole = content(golden('ckks', 'ciphertext-zlib'))
  const seeded = content(golden('ckks', 'ciphertext-seeded-none'))
  const relin = content(golden('ckks', 'relin-keys-seeded-zstd'))
  const galois = content(golden('ckks', 'galois-keys-seeded-zlib'))
  const publicKey = content(golden('ckks', 'public-key-seeded-zlib'))
  const secretKey = content(golden('ckks', 'secret-key-zstd'))
  const parameters = content(golden('ckks', 'parameters-none'))

  const edited = (bytes: Buffer, edit: (copy: Buffer) => unknown): Uint8Array => {
    const copy = Buffer.from(bytes)
    edit(copy)
    return reframe(copy)
  }
  const u64 = (at: number, value: bigint) => (bytes: Buffer) => bytes.writeBigUInt64LE(value, at)
  const refuses = (run: () => unknown, message: string | RegExp, code = 'malformed'): void => {
    const { used } = ckks.ring.heap
    expect(run).toThrow(expect.objectContaining({ name: 'GloveboxError', code }))
    expect(run).toThrow(message)
    expect(ckks.ring.heap.used).toBe(used)
  }

  test.each([
    ['its magic', 0, 0x5f, 'is not SEAL data: it does not begin with its magic 5e a1', 'malformed'],
    ['the size of its header', 2, 8, '"header size" expected 16, got 8', 'malformed'],
    ['its version', 3, 3, 'was written by SEAL 3.1, only SEAL 4 is read', 'unsupported'],
    ['its compression', 5, 3, '"compression" expected 0, 1 or 2, got 3', 'malformed'],
    ['what is reserved', 6, 1, '"reserved" expected 0, got 1', 'malformed'],
    ['its size, too small', 8, 15, /bytes after its end|"size" expected at least 16/, 'malformed'],
    ['its size, too large', 10, 255, 'is truncated: "content" needs', 'malformed'],
    ['its size, beyond all bounds', 15, 255, '"size" expected a number below 2^53, got a larger one', 'malformed'],
  ])('a header that is wrong in %s', (_what, at, value, message, code) => {
    const bytes = reframe(whole)
    bytes[at] = value
    refuses(() => readSealCiphertext(ckks, bytes), message, code)
  })

  // A ciphertext: parms_id 32, is_ntt_form u8, size 33, degree 41, primes 49, scale 57, correction 65, header 73, count 89, data 97.
  test.each([
    [
      'another parms_id',
      (b: Buffer) => b.fill(1, 0, 32),
      'belongs to other parameters: its parms_id 0101010101010101…',
      'parameters-mismatch',
    ],
    ['parms_id 0', (b: Buffer) => b.fill(0, 0, 32), '"parms_id" expected that of a level, got 0', 'malformed'],
    [
      'parms_id of another level',
      (b: Buffer) => content(golden('ckks', 'ciphertext-level-0-zstd')).copy(b, 0, 0, 32),
      '"coeff_modulus_size" expected 1, got 2',
      'malformed',
    ],
    ['is_ntt_form 2', (b: Buffer) => b.writeUInt8(2, 32), '"is_ntt_form" expected 0 or 1, got 2', 'malformed'],
    ['one polynomial', u64(33, 1n), '"size" expected at least 2, got 1', 'malformed'],
    ['five polynomials', u64(33, 5n), 'has 5 polynomials, at most 3 are supported', 'unsupported'],
    ['three that are two', u64(33, 3n), '"data size" expected 12288, got 8192', 'malformed'],
    ['another degree', u64(41, 4096n), '"poly_modulus_degree" expected 2048, got 4096', 'malformed'],
    ['another number of primes', u64(49, 1n), '"coeff_modulus_size" expected 2, got 1', 'malformed'],
    ['a correction factor', u64(65, 3n), '"correction_factor" expected 1, as only BGV has another, got 3', 'malformed'],
    [
      'compressed data',
      (b: Buffer) => b.writeUInt8(1, 78),
      '"data" expected a member that is not compressed, got zlib',
      'malformed',
    ],
    ['a count of data', u64(89, 8191n), '"data size" expected 8192, got 8191', 'malformed'],
    ['a count of data beyond all bounds', u64(89, 2n ** 63n), '"data size" expected a number below 2^53', 'malformed'],
    [
      'a residue that is its prime',
      (b: Buffer) => b.writeBigUInt64LE(BigInt(ckks.params.primes[0]!), 97 + 8 * 2047),
      '"part 0, limb 0" expected residues below',
      'malformed',
    ],
    [
      'a residue of 64 bits',
      u64(97 + 8 * 2048 * 3, 2n ** 64n - 1n),
      '"part 1, limb 1" expected residues below',
      'malformed',
    ],
    ['transparent data', (b: Buffer) => b.fill(0, 97 + 8 * 4096), 'the ciphertext is transparent', 'malformed'],
  ] as const)('a ciphertext with %s', (_what, edit, message, code) => {
    refuses(() => readSealCiphertext(ckks, edited(whole, edit)), message, code)
  })

  test.each([0, -1, 0.5, Number.NaN, Infinity, 2 ** 40])('a ciphertext with a scale of %d', (scale) => {
    refuses(
      () =>
        readSealCiphertext(
          ckks,
          edited(whole, (b) => b.writeDoubleLE(scale, 57)),
        ),
      /"scale" expected/,
    )
  })

  test('a seed whose generator, size or data is wrong', () => {
    const at = seeded.length - 81
    refuses(
      () =>
        readSealCiphertext(
          ckks,
          edited(seeded, (b) => b.writeUInt8(0, at + 16)),
        ),
      'generator 0',
      'unsupported',
    )
    refuses(() => readSealCiphertext(ckks, edited(seeded, u64(at + 8, 80n))), /is truncated: "seed" needs/)
    refuses(
      () => readSealCiphertext(ckks, edited(seeded, u64(33, 3n))),
      '"size" expected 2, as part 1 comes from a seed, got 3',
    )
  })

  test('a public key where a ciphertext is expected, and the reverse', () => {
    refuses(() => readSealCiphertext(ckks, reframe(publicKey)), 'that of keys: it is a public key')
    refuses(() => readSealPublicKey(ckks, reframe(seeded)), '"parms_id" expected that of keys, got that of level 1')
    refuses(
      () =>
        readSealPublicKey(
          ckks,
          edited(publicKey, (b) => b.writeUInt8(0, 32)),
        ),
      '"is_ntt_form" expected 1, as keys are, got 0',
    )
  })

  // KSwitchKeys: parms_id 32, count 32, digits 40, then members.
  test('keys of the wrong number, shape or level', () => {
    // Tables of automorphisms stay.
    release(readSealGaloisKeys(ckks, reframe(galois)))
    const read = (edit: (b: Buffer) => unknown) => () => readSealRelinearisationKey(ckks, edited(relin, edit))
    refuses(read(u64(32, 2n)), '"keys" expected at most 1, got 2')
    refuses(read(u64(32, 0n)), /bytes after its end/)
    refuses(read(u64(40, 0n)), /bytes after its end/)
    refuses(read(u64(40, 1n)), '"digits" expected 0 or 2, got 1')
    refuses(read(u64(40, 2n ** 40n)), '"digits" expected 0 or 2')
    refuses(
      read((b) => whole.copy(b, 0, 0, 32)),
      '"parms_id" expected that of keys, got 1',
    )
    refuses(
      () => readSealRelinearisationKey(ckks, reframe(Buffer.concat([relin.subarray(0, 32), Buffer.alloc(8)]))),
      'hold no key',
    )
    refuses(() => readSealGaloisKeys(ckks, edited(galois, u64(32, 2049n))), '"keys" expected at most 2048, got 2049')
    refuses(() => readSealGaloisKeys(ckks, edited(galois, u64(32, 2n ** 52n))), '"keys" expected at most 2048')
    // A key for the identity.
    refuses(() => readSealGaloisKeys(ckks, reframe(relin)), '"keys" expected none for Galois element 1, got one')
    // Two keys: the second is damaged, the first given back.
    refuses(
      () => readSealGaloisKeys(ckks, edited(galois, u64(galois.length - 81 - 8, 2n ** 64n - 1n))),
      /expected residues below/,
    )
  })

  test('secret keys that are none', () => {
    const data = 48 + 16 + 8
    const read = (edit: (b: Buffer) => unknown) => () => readSealSecretKey(ckks, edited(secretKey, edit))
    refuses(read(u64(32, 6143n)), /"data size" expected 6143|"coeff_count" expected/)
    refuses(
      read((b) => b.writeDoubleLE(2, 40)),
      '"scale" expected 1, got 2',
    )
    refuses(read(u64(data, 12345n)), '"data" expected coefficients -1, 0 and 1, got others')
    refuses(
      read((b) => b.fill(0, data)),
      '"data" expected about two in three coefficients other than 0, got far fewer',
    )
    refuses(
      read(u64(data + 8 * 2048 * 2, 12345n)),
      '"limb 2" expected the same polynomial modulo every prime, got another',
    )
    for (const at of [data, data + 8 * 2048 * 2]) {
      // No message tells a residue.
      try {
        read(u64(at, 98765n))()
        expect.unreachable()
      } catch (error) {
        expect((error as Error).message).not.toContain('98765')
      }
    }
  })

  test('parameters that are none', () => {
    const read = (edit: (b: Buffer) => unknown) => () => readSealParameters(edited(parameters, edit))
    refuses(
      read((b) => b.writeUInt8(7, 0)),
      '"scheme" expected 0 to 3, got 7',
    )
    refuses(read(u64(1, 2047n)), '"poly_modulus_degree" expected a power of two from 1024 to 131072, got 2047')
    refuses(read(u64(1, 2n ** 40n)), '"poly_modulus_degree" expected')
    refuses(read(u64(9, 0n)), '"coeff_modulus size" expected 1 to 64, got 0')
    refuses(read(u64(9, 2n ** 32n)), '"coeff_modulus size" expected 1 to 64')
    refuses(read(u64(33, 2n ** 17n)), 'do not work here: "primes[0]" expected', 'unsupported')
    refuses(read(u64(33, 2n ** 60n)), 'have the prime 1152921504606846976 of 61 bits', 'unsupported')
    refuses(read(u64(parameters.length - 8, 5n)), '"plain_modulus" expected 0, as CKKS has none, got 5')
    refuses(
      () => readSealParameters(reframe(parameters), { security: '256-classical' }),
      '256-classical',
      'insecure-parameters',
    )
  })

  test('bombs are refused before they unfold', () => {
    const zeros = new Uint8Array(2 ** 27)
    const contentSize = { params: { [constants.ZSTD_c_contentSizeFlag]: 0 } }
    for (const [compression, bytes] of [
      [1, deflateSync(zeros)],
      [2, zstdCompressSync(zeros)],
      [2, zstdCompressSync(zeros, contentSize)],
    ] as const) {
      for (const read of [
        readSealCiphertext,
        readSealPublicKey,
        readSealRelinearisationKey,
        readSealGaloisKeys,
        readSealPlaintext,
        readSealSecretKey,
      ]) {
        const before = process.memoryUsage().arrayBuffers
        refuses(() => read(ckks, reframe(bytes, compression)), /decompress(es)? to/, 'too-large')
        expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 26)
      }
      refuses(() => readSealParameters(reframe(bytes, compression)), /decompress(es)? to/, 'too-large')
    }
  })

  test('a limit of the caller holds for the bytes as they come and decompressed', () => {
    const bytes = golden('ckks', 'ciphertext-zlib')
    refuses(
      () => readSealCiphertext(ckks, bytes, { maxBytes: 1000, what: 'the query' }),
      `the query has ${bytes.length} bytes, at most 1000 are accepted`,
      'too-large',
    )
    refuses(
      () => readSealCiphertext(ckks, bytes, { maxBytes: 40_000 }),
      'decompresses to more than 40000 bytes',
      'too-large',
    )
    readSealCiphertext(ckks, bytes, { maxBytes: 70_000 })[Symbol.dispose]()
  })

  test('damage to a compressed stream is found by its checksum', () => {
    const bytes = golden('ckks', 'ciphertext-zlib').slice()
    bytes[bytes.length - 1]! ^= 1
    refuses(
      () => readSealCiphertext(ckks, bytes),
      'cannot be decompressed (zlib): its checksum (Adler-32) does not match',
    )
  })

  test('other types are told apart', () => {
    expect(() => readSealCiphertext(ckks, [1, 2] as unknown as Uint8Array)).toThrow(
      '"bytes" expected a Uint8Array, got object',
    )
    expect(() => readSealMessage(ckks, reframe(whole))).toThrow('the parameters are for ckks: use readSealPlaintext')
    expect(() =>
      writeSealCiphertext(readSealCiphertext(ckks, reframe(whole)), { compression: 'zstd' as 'zlib' }),
    ).toThrow('"compression" expected \'none\' or \'zlib\', got "zstd"')
  })
})

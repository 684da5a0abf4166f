import { readFileSync } from 'node:fs'
import { checkSecurity, GloveboxError } from '@glovebox/he'
import { describe, expect, it } from 'vitest'
import { readApsiParams } from './apsi.ts'
import { createSetParams } from './set-params.ts'

interface ApsiFile {
  readonly table_params: {
    readonly hash_func_count: number
    readonly table_size: number
    readonly max_items_per_bin: number
  }
  readonly item_params: { readonly felts_per_item: number }
  readonly query_params: { readonly ps_low_degree?: number; readonly query_powers: readonly number[] }
  readonly seal_params: {
    readonly plain_modulus?: number
    readonly plain_modulus_bits?: number
    readonly poly_modulus_degree: number
    readonly coeff_modulus_bits: readonly number[]
  }
}

const files: Readonly<Record<string, ApsiFile>> = JSON.parse(
  readFileSync(new URL('../../../../vectors/psi/apsi-parameters.json', import.meta.url), 'utf8'),
)
/** Files that 128 bits of security by the tables of 2024, or a chance of 2^-40, have no room for. */
const refused: Readonly<Record<string, RegExp>> = {
  '1M-2048-com': /within 106 bits/,
  '1M-256-com': /within 106 bits/,
  '256K-512-com': /within 106 bits/,
  '256M-1024': /within 214 bits/,
  '256M-2048': /within 214 bits/,
  '256M-4096': /within 214 bits/,
  '64M-4096': /got 4 of 20 bits, which gives 2\^-35.1/,
}

describe('APSI parameter files', () => {
  it.each(Object.entries(files))('%s', (name, file) => {
    const text = JSON.stringify(file)
    if (name in refused) {
      expect(() => readApsiParams(text)).toThrow(
        expect.objectContaining({ code: 'unsupported', message: expect.stringMatching(refused[name]!) }),
      )
      return
    }
    const { literal, replaced } = readApsiParams(text)
    const params = createSetParams(literal)
    const { seal_params: seal, table_params: table, query_params: query } = file
    expect(params).toMatchObject({
      method: 'powers',
      n: seal.poly_modulus_degree,
      bins: table.table_size,
      feltsPerItem: file.item_params.felts_per_item,
      powers: {
        hashFunctions: table.hash_func_count,
        maxItemsPerBin: table.max_items_per_bin,
        psLowDegree: query.ps_low_degree ?? 0,
      },
    })
    expect(params.powers!.queryPowers).toEqual(expect.arrayContaining([...query.query_powers]))
    // Tables of APSI are whole ciphertexts.
    expect(params.bins % params.binsPerGroup).toBe(0)
    const { primes, special } = params.he
    expect(Math.max(...primes, ...special)).toBeLessThan(2 ** 49)
    expect(checkSecurity('', params.n, [...primes, ...special], '128-classical').margin).toBeGreaterThanOrEqual(0)
    const kept = [...literal.he.modulusBits, ...literal.he.specialBits].join() === seal.coeff_modulus_bits.join()
    expect(replaced.some((text) => text.startsWith('coeff_modulus_bits'))).toBe(!kept)
    expect(replaced.some((text) => text.startsWith('plain_modulus'))).toBe(
      seal.plain_modulus !== undefined ? params.t !== seal.plain_modulus : params.t > 2 ** seal.plain_modulus_bits!,
    )
    expect(replaced.some((text) => text.startsWith('query_powers'))).toBe(!query.query_powers.includes(1))
  })
})

const good = files['256K-1']!

describe('readApsiParams', () => {
  it('takes sizes that fit as they are', () => {
    const { literal, replaced } = readApsiParams(JSON.stringify(good), { labelBytes: 3, prefixBits: 2 })
    expect(replaced).toEqual([])
    expect(literal).toMatchObject({ labelBytes: 3, prefixBits: 2, he: { modulusBits: [40], specialBits: [] } })
  })

  it('reads comments, and primes by value', () => {
    const text = `// a comment\n${JSON.stringify({ ...good, seal_params: { ...good.seal_params, coeff_modulus_bits: undefined, coeff_modulus: [1099511590913] } })}/* "another" */`
    expect(readApsiParams(text).literal.he.modulusBits).toEqual([40])
  })

  it('says what it replaced, and why', () => {
    const { replaced } = readApsiParams(JSON.stringify(files['16M-1024']!))
    expect(replaced).toEqual([
      'plain_modulus: 2277377 in place of 1785857, as field elements of 20 bits would match by chance with a probability above 2^-40',
      expect.stringMatching(
        /^coeff_modulus_bits: \[.*\] and special \[.*\] in place of \[56, 56, 56, 50\]: primes have 49 bits at most here; 218 bits are above the 214 /,
      ),
    ])
  })

  it.each([
    ['no JSON', 'x', 'the APSI parameters expected JSON'],
    ['an array', '[]', '"table_params" of the APSI parameters expected an object, got undefined'],
    [
      'no seal_params',
      JSON.stringify({ ...good, seal_params: 1 }),
      '"seal_params" of the APSI parameters expected an object, got 1',
    ],
    [
      'a bad integer',
      JSON.stringify({ ...good, item_params: { felts_per_item: 1.5 } }),
      '"felts_per_item" of the APSI parameters expected an integer from 2 to 32, got 1.5',
    ],
    [
      'a bad power',
      JSON.stringify({ ...good, query_params: { query_powers: [1, 99] } }),
      '"query_powers[1]" of the APSI parameters expected an integer from 1 to 35, got 99',
    ],
    [
      'no powers',
      JSON.stringify({ ...good, query_params: {} }),
      '"query_powers" of the APSI parameters expected an array of integers',
    ],
    // Seconds to hours for a reader that begins anew at each quote.
    ['quotes that are not closed', '\\"'.repeat(400_000), 'the APSI parameters expected JSON'],
    ['comments that are not closed', '/*/'.repeat(300_000), 'the APSI parameters expected JSON'],
    ['a text without end', JSON.stringify({ ...good, note: 'x'.repeat(2 ** 20) }), 'at most 1048576 are read'],
  ])('refuses %s', (_, text, message) => {
    expect(() => readApsiParams(text)).toThrow(GloveboxError)
    expect(() => readApsiParams(text)).toThrow(message)
  })
})

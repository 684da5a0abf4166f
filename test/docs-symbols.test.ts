import { describe, expect, test } from 'vitest'
import { type PublicSymbol, publicSymbols } from '../scripts/public-symbols.ts'

describe('what the public entries export', () => {
  const symbols = publicSymbols()
  const ofHe = symbols.filter(({ where }) => where.startsWith('packages/he/'))

  test('is found, members included', () => {
    const names = new Set(symbols.map((symbol) => symbol.name))
    for (const name of ['openCkks', 'Ckks.rescale', 'createSecretKey', 'ByteReader.u32', 'compile', 'connect', 'serve'])
      expect(names.has(name), name).toBe(true)
  })

  test('has a docstring, every symbol and every member', () => {
    const missing = symbols.filter((symbol) => symbol.text.trim() === '')
    expect(missing.map(({ name, where }) => `${where} ${name}`)).toEqual([])
  })

  // The errors of scripts/thrown-errors.ts: "@throws RangeError", "@throws GloveboxError `malformed`".
  test('of he names the errors that it throws', () => {
    const silent = ofHe.flatMap(({ name, where, text, errors }) => {
      const unnamed = errors.filter((error) => !names(text, error))
      return unnamed.length > 0 ? [`${where} ${name}: ${unnamed.join(', ')}`] : []
    })
    expect(silent.join('\n')).toBe('')
  })

  test('of he states a range or a unit, where it is a number', () => {
    const bare = ofHe.filter(({ numeric, text }) => numeric && !hasRange(text))
    expect(bare.map(({ name, where }) => `${where} ${name}`).join('\n')).toBe('')
  })

  test('is read with its errors and numbers', () => {
    const find = (name: string): PublicSymbol => symbols.find((symbol) => symbol.name === name)!
    expect(find('Ckks.add').errors).toEqual(expect.arrayContaining(['TypeError', 'parameters-mismatch']))
    expect(find('decrypt').errors).toContain('parameters-mismatch')
    expect(find('ByteReader.u32').errors).toEqual(['malformed'])
    expect(find('fromHex').errors).toEqual(['TypeError'])
    expect(find('toHex').errors).toEqual([])
    expect(find('writeSealCiphertext').errors).not.toContain('parameters-mismatch')
    expect(find('writeSealGaloisKeys').errors).toContain('parameters-mismatch')
    expect(find('Params.logQ').numeric).toBe(true)
    expect(find('Params.primes').numeric).toBe(true)
    expect(find('Params.digest').numeric).toBe(false)
  })
})

function names(text: string, error: string): boolean {
  return /\bthrows\b/i.test(text) && text.includes(/Error$/.test(error) ? error : `\`${error}\``)
}

/** A bound, a digit that is no part of a symbol (log2, N/2), or a unit. */
function hasRange(text: string): boolean {
  const words = text.replaceAll(/log2|N\/2|2N/g, '')
  return /[<>≤≥∞±]|\d|\b(from|positive|negative|at least|at most|bits|bytes|µs|ms|seconds|slots)\b/i.test(words)
}

import { describe, expect, test } from 'vitest'
import { publicSymbols } from '../scripts/public-symbols.ts'

describe('what the public entries export', () => {
  const symbols = publicSymbols()

  test('is found, members included', () => {
    const names = new Set(symbols.map((symbol) => symbol.name))
    for (const name of ['openCkks', 'Ckks.rescale', 'createSecretKey', 'ByteReader.u32', 'compile', 'connect', 'serve'])
      expect(names.has(name), name).toBe(true)
  })

  test('has a docstring, every symbol and every member', () => {
    const missing = symbols.filter((symbol) => symbol.text.trim() === '')
    expect(missing.map(({ name, where }) => `${where} ${name}`)).toEqual([])
  })
})

import { describe, expect, test } from 'vitest'
import { hashText, murmur3 } from './hashing.ts'
import type { TextHashing } from './steps.ts'

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text)
const seed = 0x9747b28c

/** Widely published vectors of MurmurHash3_x86_32: bytes, seed, hash. */
const vectors: [string, Uint8Array, number, number][] = [
  ['nothing', utf8(''), 0, 0],
  ['nothing, seed 1', utf8(''), 1, 0x514e28b7],
  ['nothing, largest seed', utf8(''), 0xffffffff, 0x81f16f39],
  ['4 bytes of ones', Uint8Array.of(255, 255, 255, 255), 0, 0x76293b50],
  ['21 43 65 87', Uint8Array.of(0x21, 0x43, 0x65, 0x87), 0, 0xf55b516b],
  ['21 43 65', Uint8Array.of(0x21, 0x43, 0x65), 0, 0x7e4a8634],
  ['21 43', Uint8Array.of(0x21, 0x43), 0, 0xa0f7b07a],
  ['21', Uint8Array.of(0x21), 0, 0x72661cf4],
  ['4 zeros', new Uint8Array(4), 0, 0x2362f9de],
  ['a zero', new Uint8Array(1), 0, 0x514e28b7],
  ['abcd', utf8('abcd'), seed, 0xf0478627],
  ['abc', utf8('abc'), seed, 0xc84a62dd],
  ['Hello, world!', utf8('Hello, world!'), seed, 0x24884cba],
  ['a sentence', utf8('The quick brown fox jumps over the lazy dog'), seed, 0x2fa826cd],
]

test.each(vectors)('MurmurHash3 of %s', (_, bytes, from, expected) => {
  expect(murmur3(bytes, from)).toBe(expected | 0)
})

describe('texts', () => {
  const hashing: TextHashing = { size: 64, ngrams: [1, 1], norm: 'none' }
  const place = (word: string): number => Math.abs(murmur3(utf8(word))) % 64
  const sign = (word: string): number => (murmur3(utf8(word)) < 0 ? -1 : 1)

  test('a word adds its sign at its place', () => {
    const out = hashText('Good, good FILM', hashing)
    expect(out[place('good')]).toBe(2 * sign('good'))
    expect(out[place('film')]).toBe(sign('film'))
    expect(out.filter((v) => v !== 0).length).toBe(2)
  })

  test('n-grams are words joined by a space; fewer words than n give none', () => {
    expect(hashText('not bad', { ...hashing, ngrams: [2, 2] })[place('not bad')]).toBe(sign('not bad'))
    expect(hashText('not', { ...hashing, ngrams: [2, 3] }).every((v) => v === 0)).toBe(true)
  })

  test('words of one character, also beyond the basic plane, count only where asked', () => {
    const deseret = '\u{10400}'
    expect(hashText(`I ${deseret}`, hashing).every((v) => v === 0)).toBe(true)
    const all = hashText(`I ${deseret}`, { ...hashing, shortest: 1, unsigned: true })
    expect(all.reduce((a, b) => a + b)).toBe(2)
    expect(hashText(deseret.repeat(2), { ...hashing, unsigned: true }).reduce((a, b) => a + b)).toBe(1)
  })

  test('norms, signs and presence', () => {
    const text = 'one two two three three three'
    const sum = (values: Float64Array, f: (v: number) => number): number => values.reduce((s, v) => s + f(v), 0)
    expect(sum(hashText(text, { ...hashing, norm: 'l2' }), (v) => v * v)).toBeCloseTo(1, 12)
    expect(sum(hashText(text, { ...hashing, norm: 'l1' }), Math.abs)).toBeCloseTo(1, 12)
    expect(sum(hashText(text, { ...hashing, unsigned: true }), (v) => v)).toBe(6)
    expect([...hashText(text, { ...hashing, binary: true })].filter((v) => v !== 0)).toEqual([1, 1, 1])
    expect(hashText('', { ...hashing, norm: 'l2' }).every((v) => v === 0)).toBe(true)
    expect(hashText('ABC', { ...hashing, keepCase: true })[place('ABC')]).toBe(sign('ABC'))
  })
})

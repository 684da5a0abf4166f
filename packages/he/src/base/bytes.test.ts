import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ByteReader, ByteWriter } from './bytes.ts'
import { GloveboxError } from './errors.ts'

type Field =
  | { readonly type: 'u8' | 'u16' | 'u32' | 'f64'; readonly value: number }
  | { readonly type: 'raw'; readonly value: Uint8Array }
  | { readonly type: 'text'; readonly value: string }

const field: fc.Arbitrary<Field> = fc.oneof(
  fc.record({ type: fc.constant('u8' as const), value: fc.integer({ min: 0, max: 255 }) }),
  fc.record({ type: fc.constant('u16' as const), value: fc.integer({ min: 0, max: 65535 }) }),
  fc.record({ type: fc.constant('u32' as const), value: fc.integer({ min: 0, max: 2 ** 32 - 1 }) }),
  fc.record({ type: fc.constant('f64' as const), value: fc.double() }),
  fc.record({ type: fc.constant('raw' as const), value: fc.uint8Array({ maxLength: 300 }) }),
  fc.record({ type: fc.constant('text' as const), value: fc.string({ unit: 'grapheme', maxLength: 40 }) }),
)

function write(fields: readonly Field[]): Uint8Array {
  const writer = new ByteWriter(1)
  for (const f of fields) {
    if (f.type === 'raw') writer.raw(f.value)
    else if (f.type === 'text') writer.text(f.value)
    else writer[f.type](f.value)
  }
  return writer.done()
}

function read(reader: ByteReader, f: Field): unknown {
  if (f.type === 'raw') return reader.slice(f.value.length, 'raw')
  if (f.type === 'text') return reader.text('text', 1000)
  return reader[f.type](f.type)
}

describe('bytes', () => {
  test('what was written is read, in order, to the end', () => {
    fc.assert(
      fc.property(fc.array(field), (fields) => {
        const reader = new ByteReader(write(fields), 'the test')
        for (const f of fields) expect(read(reader, f)).toEqual(f.value)
        reader.end()
      }),
    )
  })

  test('every truncation is refused, and nothing is read past the end', () => {
    fc.assert(
      fc.property(fc.array(field, { minLength: 1, maxLength: 5 }), fc.nat(), (fields, cut) => {
        const bytes = write(fields)
        fc.pre(bytes.length > 0)
        const reader = new ByteReader(bytes.slice(0, cut % bytes.length), 'the test')
        expect(() => {
          for (const f of fields) read(reader, f)
        }).toThrow(GloveboxError)
        expect(reader.offset).toBeLessThanOrEqual(reader.bytes.length)
      }),
    )
  })

  test('numbers are little-endian', () => {
    expect([...new ByteWriter().u16(0x0102).u32(0x03040506).f64(1).done()]).toEqual([
      2, 1, 6, 5, 4, 3, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f,
    ])
  })

  test('a reader of a part of a buffer sees only its part', () => {
    const whole = Uint8Array.of(9, 9, 1, 2, 9)
    const reader = new ByteReader(whole.subarray(2, 4), 'the part')
    expect(reader.u16('pair')).toBe(0x0201)
    expect(() => reader.u8('next')).toThrow('the part is truncated: "next" needs 1 bytes at offset 2, 0 are left')
  })

  test('`ensure` promises bytes without taking them', () => {
    const reader = new ByteReader(new Uint8Array(10), 'the test')
    reader.ensure(10, 'all')
    expect(reader.remaining).toBe(10)
    expect(() => reader.ensure(11, 'more')).toThrow('"more" needs 11 bytes at offset 0, 10 are left')
    for (const nonsense of [-1, Number.NaN, Infinity])
      expect(() => reader.ensure(nonsense, 'x')).toThrow('is truncated')
  })

  test('text: a length beyond the limit is refused before it is read, and so are bytes that are not UTF-8', () => {
    const long = new ByteWriter().u32(2 ** 32 - 1).done()
    expect(() => new ByteReader(long, 'the test').text('name', 100)).toThrow(
      '"name" expected at most 100 bytes, got 4294967295',
    )
    const broken = new ByteWriter().u32(2).u8(0xc3).u8(0x28).done()
    expect(() => new ByteReader(broken, 'the test').text('name', 100)).toThrow(
      '"name" expected UTF-8 text, got other bytes',
    )
  })

  test('bytes behind the end are an error', () => {
    expect(() => new ByteReader(new Uint8Array(3), 'the test').end()).toThrow('the test has 3 bytes after its end')
  })
})

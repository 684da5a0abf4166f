import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { encode } from 'fast-png'
import { dump } from 'npyjs'
import { afterAll, describe, expect, test } from 'vitest'
import { readSamples } from './read.ts'

const folder = mkdtempSync(join(tmpdir(), 'glovebox-samples-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const pixels = { scale: 1 / 255, offset: 0 }
const image = { shape: [1, 2, 3], pixels, before: [] }
const table = { shape: [6], pixels, before: [] }

function write(name: string, content: string | Uint8Array): string {
  const file = join(folder, name)
  writeFileSync(file, content)
  return file
}
const npy = (data: Parameters<typeof dump>[0], shape: number[]): Uint8Array => new Uint8Array(dump(data, shape))
/** The same bytes with another type of three characters in the header. */
const retyped = (bytes: Uint8Array, type: string): Uint8Array =>
  Buffer.from(
    Buffer.from(bytes)
      .toString('latin1')
      .replace(/(?<='descr': ?')...(?=')/, type),
    'latin1',
  )
const flat = (samples: readonly unknown[]): number[][] =>
  samples.map((sample) => [...(sample as ArrayLike<number> & Iterable<number>)])

describe('JSON', () => {
  test('samples, flat or nested', async () => {
    const { samples, pixels } = await readSamples(
      write('a.json', '[[0, 0.5, 1, 0, 0, 0], [[[0, 1, 0], [0, 0, 0.25]]]]'),
      image,
    )
    expect(samples).toEqual([
      [0, 0.5, 1, 0, 0, 0],
      [
        [
          [0, 1, 0],
          [0, 0, 0.25],
        ],
      ],
    ])
    expect(pixels).toBe(false)
  })

  test('whole numbers up to 255 are pixels for images, aloud, and not where the user or the model says otherwise', async () => {
    const file = write('b.json', '[[0, 12, 255, 0, 0, 0]]')
    expect(await readSamples(file, image)).toMatchObject({ pixels: true, note: expect.stringContaining('--no-pixels') })
    expect((await readSamples(file, image, false)).pixels).toBe(false)
    expect((await readSamples(file, table)).pixels).toBe(false)
    expect((await readSamples(file, table, true)).pixels).toBe(true)
    expect((await readSamples(write('c.json', '[[0, 1, 1, 0, 0, 0]]'), image)).pixels).toBe(false)
  })

  test.each([
    ['[1,2', 'is not JSON'],
    ['{"a": 1}', 'expected an array of samples, got an object'],
    ['null', 'got null'],
    ['[1, 2, 3, 4, 5, 6]', 'put a single sample into an array of its own'],
    ['["x"]', 'got a text as sample 0'],
    ['[]', 'has no samples'],
  ])('%s is refused', async (text, message) => {
    await expect(readSamples(write('bad.json', text), image)).rejects.toThrow(message)
  })
})

describe('CSV', () => {
  test('a sample a row, with names of columns or without', async () => {
    const rows = [
      [1, 2, 3, 4, 5, 6.5],
      [-1, 0, 0, 0, 0, 1e-3],
    ]
    const text = rows.map((row) => row.join(',')).join('\n')
    expect((await readSamples(write('a.csv', `${text}\n\n`), table)).samples).toEqual(rows)
    expect((await readSamples(write('b.csv', `\ufeffa, b, c, d, e, f\r\n${text}`), table)).samples).toEqual(rows)
  })

  test.each([
    ['1,2,x', 'expected a number in column 3 of sample 0, got a text'],
    ['1,,3', 'column 2 of sample 0, got an empty cell'],
    ['a,b\n1,nan', 'column 2 of sample 0'],
    ['NaN,NaN\n1,2', 'column 1 of sample 0, got what stands for no finite number'],
    [',\n1,2', 'column 1 of sample 0, got an empty cell'],
    ['1,2,-inf', 'column 3 of sample 0, got what stands for no finite number'],
    ['1;2;3', 'has ";" between its columns: expected commas'],
    ['a;b\n0,5;1,5', 'has ";" between its columns'],
    ['1\t2', 'has tabs between its columns'],
    ['1,"2', 'is not CSV'],
    ['', 'has no samples'],
  ])('%j is refused', async (text, message) => {
    await expect(readSamples(write('bad.csv', text), table)).rejects.toThrow(message)
  })
})

describe('.npy', () => {
  test('samples along the first axis, or one', async () => {
    const data = Float32Array.from({ length: 12 }, (_, i) => i / 4)
    for (const shape of [
      [2, 1, 2, 3],
      [2, 2, 3],
      [2, 6],
    ]) {
      expect(flat((await readSamples(write('a.npy', npy(data, shape)), image)).samples)).toEqual([
        [...data.slice(0, 6)],
        [...data.slice(6)],
      ])
    }
    expect(flat((await readSamples(write('b.npy', npy(data.slice(0, 6), [1, 2, 3])), image)).samples)).toHaveLength(1)
  })

  test('bytes are pixels where the model reads images', async () => {
    const file = write('c.npy', npy(Uint8Array.of(0, 1, 2, 3, 4, 255), [1, 6]))
    expect(await readSamples(file, image)).toMatchObject({ pixels: true })
    expect(await readSamples(file, table)).toMatchObject({ pixels: false })
  })

  test('integers of 64 bits, as NumPy makes them, and booleans', async () => {
    const big = npy(BigInt64Array.of(-1n, 0n, 1n, 2n, 300n, 5n), [1, 6])
    expect(flat((await readSamples(write('i8.npy', big), image)).samples)).toEqual([[-1, 0, 1, 2, 300, 5]])
    const unsigned = write('u8.npy', npy(BigUint64Array.of(0n, 0n, 1n, 2n, 255n, 5n), [1, 6]))
    expect(await readSamples(unsigned, image)).toMatchObject({ pixels: true, note: expect.stringContaining('pixels') })
    const bool = retyped(npy(Uint8Array.of(0, 1, 1, 0, 0, 1), [1, 6]), '|b1')
    expect(await readSamples(write('bool.npy', bool), image)).toMatchObject({ pixels: false })
    expect(flat((await readSamples(write('bool.npy', bool), image)).samples)).toEqual([[0, 1, 1, 0, 0, 1]])
  })

  test.each(['>f8', '<c8', '|S8', '<M8'])('type %s is refused by its name', async (type) => {
    const file = write('type.npy', retyped(npy(new Float64Array(6), [1, 6]), type))
    await expect(readSamples(file, image)).rejects.toThrow(`or bool, little-endian, got "${type}"`)
  })

  test('another shape, too little data and other files are refused', async () => {
    const good = npy(new Float64Array(12), [2, 6])
    await expect(readSamples(write('d.npy', npy(new Float64Array(8), [2, 4])), image)).rejects.toThrow(
      'shape Nx1x2x3 or Nx6, got 2x4',
    )
    await expect(readSamples(write('e.npy', good.subarray(0, good.length - 8)), image)).rejects.toThrow(
      'expected 12 numbers',
    )
    await expect(readSamples(write('f.npy', good.subarray(0, 20)), image)).rejects.toThrow('not a .npy file')
    await expect(readSamples(write('g.npy', 'hello'), image)).rejects.toThrow('not a .npy file')
  })
})

describe('PNG', () => {
  const grey = Uint8Array.of(0, 50, 100, 150, 200, 255)
  test('grey with 8 and 16 bits, and in colour', async () => {
    const file = write('a.png', encode({ width: 3, height: 2, data: grey, channels: 1, depth: 8 }))
    expect(await readSamples(file, image)).toEqual({ samples: [Float64Array.from(grey)], pixels: true })
    const deep = encode({ width: 3, height: 2, data: Uint16Array.from(grey, (v) => v * 257), channels: 1, depth: 16 })
    expect(flat((await readSamples(write('b.png', deep), image)).samples)).toEqual([[...grey]])
    const rgb = Uint8Array.from({ length: 18 }, (_, i) => grey[Math.floor(i / 3)]!)
    const colour = write('c.png', encode({ width: 3, height: 2, data: rgb, channels: 3, depth: 8 }))
    const [greyed] = flat((await readSamples(colour, image)).samples)
    expect(greyed!.map(Math.round)).toEqual([...grey])
    const planes = flat((await readSamples(colour, { shape: [3, 2, 3], pixels, before: [] })).samples)[0]!
    expect(planes).toEqual([...grey, ...grey, ...grey])
  })

  test('the wrong size, damage and other files are refused', async () => {
    const wide = encode({ width: 4, height: 2, data: new Uint8Array(8), channels: 1, depth: 8 })
    await expect(readSamples(write('d.png', wide), image)).rejects.toThrow(
      'expected 3x2 pixels for an input of 1x2x3, got 4x2',
    )
    const good = encode({ width: 3, height: 2, data: grey, channels: 1, depth: 8 })
    await expect(readSamples(write('e.png', good.subarray(0, good.length - 20)), image)).rejects.toThrow('damaged PNG')
    await expect(readSamples(write('f.png', 'hello'), image)).rejects.toThrow('not a PNG')
  })
})

test('other endings and missing files', async () => {
  await expect(readSamples(write('a.txt', ''), image)).rejects.toThrow('ends in .npy, .json, .csv or .png')
  await expect(readSamples(join(folder, 'none.json'), image)).rejects.toThrow(
    /cannot read .*none.json: there is no such file/,
  )
})

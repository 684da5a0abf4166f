import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { InputStep } from '@glovebox/ml'
import { dump } from 'npyjs'
import { afterAll, describe, expect, test } from 'vitest'
import { readSamples } from './read.ts'

const folder = mkdtempSync(join(tmpdir(), 'glovebox-rows-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const shape = [1]
const pixels = { scale: 1, offset: 0 }
const columns: InputStep = {
  op: 'columns',
  columns: [{ name: 'age' }, { name: 'sex', values: ['female', 'male', 'NA'] }, { name: 'id', unused: true }],
}
const hash: InputStep = { op: 'hash-text', size: 16, ngrams: [1, 1], norm: 'l2' }
const text: InputStep = { op: 'columns', columns: [{ name: 'text', text: true }] }

function read(name: string, content: string | Uint8Array, ...before: InputStep[]) {
  const file = join(folder, name)
  writeFileSync(file, content)
  return readSamples(file, { shape, pixels, before }).then(({ samples }) => samples)
}
const table = (content: string, name = 'a.csv') => read(name, content, columns)

describe('CSV', () => {
  test('with names, in any order and with columns that the model does not know', async () => {
    expect(await table('sex,other,age\nmale,x,51.5\nfemale,,\n')).toEqual([
      [51.5, 'male', null],
      [null, 'female', null],
    ])
  })

  test('without names, in the order of the model; what stands for nothing is missing, unless it is a category', async () => {
    expect(await table('51,male,7\nNaN,NA,8\n?,,9\nn/a,null,1')).toEqual([
      [51, 'male', 7],
      [null, 'NA', 8],
      [null, null, 9],
      [null, null, 1],
    ])
  })

  test('an infinite number is not missing: whoever prepares the cell refuses it', async () => {
    expect(await table('inf,male,1')).toEqual([['inf', 'male', 1]])
  })

  test.each([
    ['Age,sex\n1,male', /a column for each of "age" in its first line, spelled like that, got "Age" there/],
    ['alter,geschlecht,nummer\n1,male,2', /for each of "age", "sex" .*got "alter", "geschlecht", "nummer" there/],
    ['age,sex,age\n1,male,2', /expected one column "age", got two of that name/],
    ['age,sex\n77,male\n77', /expected 2 cells in row 1, as its first line has names, got 1/],
    ['77,male', /expected 3 columns \(age, sex, id\) or a first line with their names, got 2 in row 0/],
    ['77;male;1', /has ";" between its columns: expected commas/],
  ])('%j is refused, and cells stay out of the message', async (content, message) => {
    await expect(table(content)).rejects.toThrow(message)
    await expect(table(content)).rejects.not.toThrow(/77|51/)
  })
})

describe('JSON', () => {
  test('objects by name, arrays of cells and texts', async () => {
    const rows = [{ age: 1, sex: 'male' }, [1, null, 2], 'a text']
    expect(await table(JSON.stringify(rows), 'a.json')).toEqual(rows)
  })

  test.each([
    ['{"age": 77}', /expected an array of rows or texts, got an object/],
    ['[77]', /an array of cells, or a text as sample 0, got a number/],
    ['[{"age": 1}, {"age": true}]', /a number, a text or null as "age" of sample 1, got a boolean/],
    ['[[1, [77]]]', /as "1" of sample 0, got an array/],
    ['[]', /has no samples/],
  ])('%s is refused, and cells stay out of the message', async (content, message) => {
    await expect(table(content, 'b.json')).rejects.toThrow(message)
    await expect(table(content, 'b.json')).rejects.not.toThrow(/77/)
  })
})

describe('texts', () => {
  test('a text a line', async () => {
    expect(await read('a.txt', '\ufeffgood day\r\n\r\n  bad, very bad\n', text, hash)).toEqual([
      'good day',
      '  bad, very bad',
    ])
  })

  test('a CSV of texts keeps what would stand for a missing number', async () => {
    expect(await read('t.csv', 'text\nnull\n"so, so"\n', text, hash)).toEqual([['null'], ['so, so']])
  })

  test('other bytes than UTF-8 are refused', () =>
    expect(read('b.txt', Uint8Array.of(0x61, 0xff, 0x0a), text, hash)).rejects.toThrow('expected text in UTF-8'))
})

describe('.npy', () => {
  const numbers: InputStep = { op: 'columns', columns: [{ name: 'a' }, { name: 'b' }] }
  const array = new Uint8Array(dump(Float64Array.of(1, 2, Number.NaN, 4), [2, 2]))

  test('rows of numbers', async () => {
    expect(await read('a.npy', array, numbers)).toEqual([
      [1, 2],
      [Number.NaN, 4],
    ])
  })

  test('are refused for categories, and of another width', async () => {
    await expect(read('b.npy', array, columns)).rejects.toThrow('takes texts or categories; give .json or .csv')
    const wide = new Uint8Array(dump(new Float64Array(6), [2, 3]))
    await expect(read('c.npy', wide, numbers)).rejects.toThrow('shape Nx2, got 2x3')
  })
})

test('other endings', () =>
  expect(table('', 'a.png')).rejects.toThrow('ends in .json, .csv, .npy or .txt, as this model takes rows'))

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ClientPart, InputStep, OutputStep } from '@glovebox/ml'
import { expect, test } from 'vitest'
import { typesOf } from './types-of.ts'

function part(
  before: readonly InputStep[],
  after: readonly OutputStep[],
  shape: readonly number[] = [10],
  input: readonly number[] = [1, 28, 28],
): { readonly part: ClientPart } {
  const whole = { name: 'model', digest: new Uint8Array(32), input: { shape: input, before }, output: { shape, after } }
  return { part: whole as unknown as ClientPart }
}

const columns: InputStep = {
  op: 'columns',
  columns: [
    { name: 'age' },
    { name: 'chest pain', values: ['typical', "don't know"] },
    { name: 'city', values: ['Bern'], open: true },
    { name: 'note', text: true, unused: true },
    { name: 'weight' },
  ],
}
const impute: InputStep = { op: 'impute', values: [null, 'typical', null, null, 70] }
const heart = part([columns, impute], [{ op: 'sigmoid' }, { op: 'labels', names: ['healthy', 'ill'] }], [1])
const digits = part([], [])
const text = part(
  [{ op: 'columns', columns: [{ name: 'text', text: true }] }],
  [{ op: 'labels', names: ['sad', 'glad'] }],
  [1],
)
const price = part([], [{ op: 'scale', factor: 2, offset: 1 }], [1], [5])

test('of rows: columns, categories, and what may be missing', () => {
  const said = typesOf(heart, 'heart-disease')
  expect(said).toContain('export interface HeartDiseaseModel')
  expect(said).toContain('readonly age: number\n')
  expect(said).toContain(`readonly 'chest pain'?: 'typical' | 'don\\'t know' | null\n`)
  expect(said).toContain(`readonly city: 'Bern' | (string & {})\n`)
  expect(said).toContain('readonly note?: string | null\n')
  expect(said).toContain('readonly weight?: number | null\n')
  expect(said).toContain("readonly label: 'healthy' | 'ill'\n")
  expect(said).toContain("readonly score: 'healthy' | 'ill'\n")
})

test('of pictures: an index for each output', () => {
  const said = typesOf(digits, 'digits')
  expect(said).toContain('readonly input: Picture | ArrayLike<number>')
  expect(said).toContain("readonly label: '0' | '1' | '2' | '3' | '4' | '5' | '6' | '7' | '8' | '9'\n")
})

test('of texts and numbers', () => {
  expect(typesOf(text, 'x')).toContain('readonly input: XRow | string')
  // One value that is no probability: of two classes one score.
  expect(typesOf(text, 'x')).toContain("readonly score: '0'\n")
  expect(typesOf(price, '3 prices')).toContain('export interface Model3PricesModel')
  expect(typesOf(price, '3 prices')).toContain('readonly label: undefined\n')
})

const wild = 'a\'b\\c\n*/ **// } declare const x: number; /* `$` \u2028 "q"'
const hostile = part(
  [{ op: 'columns', columns: [{ name: wild }, { name: '__proto__' }] }],
  [{ op: 'labels', names: [wild, 'b'] }],
  [2],
)

test('compiles, and holds predictions to it, whatever names are like', () => {
  const folder = mkdtempSync(join(import.meta.dirname, '../../types-of-'))
  try {
    const files = { heart: typesOf(heart, 'heart'), digits: typesOf(digits, 'digits'), wild: typesOf(hostile, wild) }
    for (const [name, said] of Object.entries(files)) writeFileSync(join(folder, `${name}.d.ts`), said)
    // Imports of the text, not of this file.
    const quoted = (path: string): string => `'${path}'`
    const use = (row: string, label: string): string => `
      import { glovebox } from ${quoted('../src/index.ts')}
      import type { DigitsModel } from ${quoted('./digits.d.ts')}
      import type { HeartModel } from ${quoted('./heart.d.ts')}
      const service = glovebox('http://there')
      const model = await service.model<HeartModel>('heart')
      const { label, scores } = await model.predict(${row})
      const ill: boolean = label === '${label}'
      const score: number = scores.ill
      const digit: '0' | string = (await (await service.model<DigitsModel>('digits')).predict(new Uint8Array(784))).label
      const any = await (await service.model('any')).predict({ width: 1, height: 1, data: [1] })
      const maybe: string | undefined = any.label
      export { digit, ill, maybe, score }
    `
    writeFileSync(join(folder, 'good.ts'), use(`{ age: 50, city: 'Rome', weight: null }`, 'ill'))
    writeFileSync(join(folder, 'bad.ts'), use(`{ age: 'old', city: 'Rome' }`, 'sick'))
    const { stdout } = spawnSync(
      join(import.meta.dirname, '../../../../node_modules/.bin/tsc'),
      [
        ...[
          '--ignoreConfig',
          '--noEmit',
          '--skipLibCheck',
          '--strict',
          '--target',
          'es2023',
          '--lib',
          'es2024,esnext.disposable,dom',
          '--types',
          'node',
        ],
        ...['--module', 'nodenext', '--customConditions', '@glovebox/source', '--allowImportingTsExtensions'],
        ...[join(folder, 'good.ts'), join(folder, 'bad.ts'), join(folder, 'wild.d.ts')],
      ],
      { encoding: 'utf8' },
    )
    const errors = stdout.split('\n').filter((line) => line.includes('error TS'))
    expect(errors.map((line) => line.replace(/^.*\//, '').replace(/\(.*/, ''))).toEqual(['bad.ts', 'bad.ts'])
    expect(stdout).toContain('"sick"')
  } finally {
    rmSync(folder, { recursive: true })
  }
})

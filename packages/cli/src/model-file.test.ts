import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { tinyOnnx } from '../../client/test/tiny.ts'
import { layer, sequential } from '../../ml/test/keras.ts'
import { scorecard, sklearn } from '../test/models.ts'
import { readModel } from './model-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'glovebox-model-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function write(name: string, content: string | Uint8Array): string {
  const file = join(folder, name)
  writeFileSync(file, content)
  return file
}
const read = (name: string, content: string | Uint8Array) => readModel(write(name, content))
const keras = sequential([3], [layer('Dense', { units: 2, activation: 'softmax' })], {
  'l0/kernel': { shape: [3, 2], data: [1, 2, 3, 4, 5, 6] },
  'l0/bias': { shape: [2], data: [0, 1] },
})

test.each([
  ['ONNX', tinyOnnx(), [], []],
  ['scikit-learn', JSON.stringify(sklearn), ['columns', 'impute', 'scale'], ['sigmoid', 'labels']],
  ['a scorecard', JSON.stringify(scorecard), ['columns', 'encode'], ['total', 'sigmoid']],
  ['scikit-learn with a byte order mark', `\ufeff\n${JSON.stringify(sklearn)}`, undefined, undefined],
])('%s is known by what is in it', async (_, content, before, after) => {
  const model = await read('model', content)
  if (!before || !after) return
  expect(model.before.map(({ op }) => op).sort()).toEqual([...before].sort())
  expect(model.after.map(({ op }) => op)).toEqual(after)
})

describe('TensorFlow.js', () => {
  test('takes its weights from the folder of the model', async () => {
    write('weights.bin', keras['weights.bin']!)
    const { graph, after } = await read('model.json', keras['model.json']!)
    expect(graph.inputShape).toEqual([3])
    expect(after.map(({ op }) => op)).toEqual(['softmax'])
    rmSync(join(folder, 'weights.bin'))
  })

  test('names a weight file that is missing', () =>
    expect(read('lonely.json', keras['model.json']!)).rejects.toThrow(/lonely\.json: .*weights\.bin/))

  test('reads no weights from elsewhere', async () => {
    const manifest = new TextDecoder().decode(keras['model.json']).replace('weights.bin', '../weights.bin')
    await expect(read('away.json', manifest)).rejects.toThrow(/away\.json: .*weights\.bin/)
  })
})

describe('what is no model is refused with the file and what it is', () => {
  test.each([
    ['', /is empty/],
    ['{"format": "other"}', /is JSON, but no model that is known: "format" .*got "other"/],
    ['{"modelTopology": null, "weightsManifest": []}', /nor does it have the "modelTopology"/],
    ['{}', /got none; nor does it have the "modelTopology"/],
    ['{"format": ', /begins like JSON and is none/],
    ['[1, 2]', /expected a model, got an array/],
    [
      '{"format": "glovebox-sklearn", "version": 1, "name": "x", "columns": [{"name": "a"}], "steps": 3}',
      /bad: .*steps/,
    ],
    ['{"format": "glovebox-scorecard", "version": 1, "name": "x"}', /bad: .*features|bad: .*link|bad: .*intercept/],
    ['\x89HDF\r\n', /is HDF5/],
    ['PK\x03\x04', /is a ZIP archive/],
    ['\x80\x04\x95', /is a pickle .*export_sklearn/],
    ['what is this', /bad: the ONNX model is not valid/],
  ])('%j', async (text, message) => {
    const wrong = read('bad', Buffer.from(text, 'latin1'))
    await expect(wrong).rejects.toThrow(message)
    await expect(wrong).rejects.toThrow(join(folder, 'bad'))
    await expect(wrong).rejects.toMatchObject({ name: 'GloveboxError' })
  })
})

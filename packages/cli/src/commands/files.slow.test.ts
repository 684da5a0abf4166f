import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openModel } from '@glovebox/client'
import { ByteWriter, decodeFrame, encodeFrame, readEvaluationKeys, writeEvaluationKeys } from '@glovebox/he'
import { beforeAll, describe, expect, test } from 'vitest'
import { compileTiny, maxPoolOnnx, type Tiny, tinyOnnx, tinySamples } from '../../../client/test/tiny.ts'
import { glovebox, gloveboxWith, succeed, testFolder } from '../../test/glovebox.ts'

// The steps as files, each its own process.

const folder = testFolder()
const at = (...names: string[]): string => join(folder, ...names)
const samples = tinySamples(3)
let tiny: Tiny

beforeAll(async () => {
  tiny = compileTiny()
  writeFileSync(at('tiny.onnx'), tinyOnnx())
  writeFileSync(at('other.onnx'), tinyOnnx(2))
  writeFileSync(at('maxpool.onnx'), maxPoolOnnx())
  writeFileSync(at('x.json'), JSON.stringify(samples))
  await Promise.all([
    succeed('compile', at('tiny.onnx'), '-o', at('tiny')),
    succeed('compile', at('other.onnx'), '-o', at('other')),
  ])
  await Promise.all([
    succeed('keygen', at('tiny/client.gbx'), '-o', at('keys')),
    succeed('keygen', at('other'), '-o', at('strange')),
  ])
  await encrypt('query.gbx')
})

const encrypt = (out: string, input = at('x.json'), keys = at('keys')) =>
  glovebox('encrypt', at('tiny/client.gbx'), '--keys', keys, '--input', input, '-o', at(out))
const run = (out: string, query = at('query.gbx'), keys = at('keys/evaluation.key'), model = at('tiny/server.gbx')) =>
  glovebox('run', model, '--evaluation-keys', keys, '--input', query, '-o', at(out))
const decrypt = (reply: string, ...more: string[]) =>
  glovebox('decrypt', at('tiny/client.gbx'), '--keys', at('keys'), '--input', at(reply), ...more)

/** One line that a person can act on, code 1, no stack. */
async function expectError(
  finished: Promise<{ code: number | null; stdout: string; stderr: string }>,
  ...texts: string[]
): Promise<void> {
  const { code, stdout, stderr } = await finished
  for (const text of texts) expect(stderr).toContain(text)
  expect(stderr).toMatch(/^glovebox: /)
  expect(stderr).not.toMatch(/\n\s+at |node:internal/)
  expect([code, stdout]).toEqual([1, ''])
}

function damage(from: string, to: string, change: (bytes: Uint8Array) => Uint8Array): string {
  writeFileSync(at(to), change(new Uint8Array(readFileSync(at(from)))))
  return at(to)
}

describe('the round trip', () => {
  test('gives what the model gives in the clear', async () => {
    expect(await run('reply.gbx')).toMatchObject({ code: 0, stderr: '' })
    const { code, stdout } = await decrypt('reply.gbx', '--json')
    expect(code).toBe(0)
    const { outputs } = JSON.parse(stdout) as { outputs: number[][] }
    expect(Object.keys(JSON.parse(stdout))).toEqual(['outputs'])
    expect(outputs).toHaveLength(samples.length)
    outputs.forEach((row, i) => {
      const expected = tiny.expected(samples[i]!)
      expect(row).toHaveLength(expected.length)
      for (const [j, value] of row.entries()) expect(Math.abs(value - expected[j]!)).toBeLessThan(0.01)
    })
    const text = await decrypt('reply.gbx')
    expect(text.stdout).toMatch(/^sample 0: largest at \d {2}\[/)
    expect(text.stdout.trim().split('\n')).toHaveLength(3)
  })

  test('leaves a secret key that only its owner can read, and no temporary files', () => {
    expect(statSync(at('keys/secret.key')).mode & 0o777).toBe(0o600)
    expect(readdirSync(at('keys')).sort()).toEqual(['evaluation.key', 'secret.key'])
    expect(readdirSync(at('tiny')).sort()).toEqual(['client.gbx', 'server.gbx'])
  })

  test('the client part has no weights in it', () => {
    expect(readFileSync(at('tiny/client.gbx')).length).toBeLessThan(readFileSync(at('tiny/server.gbx')).length)
  })
})

test('inspect says parameters, security, layers, keys and costs, for people and as JSON', async () => {
  const text = await succeed('inspect', at('tiny/client.gbx'))
  for (const part of [
    '1x4x4 → 3',
    'N = ',
    'log2 of the modulus',
    'limit',
    'rotations',
    'level',
    'evaluation keys',
    'on one thread',
  ])
    expect(text).toContain(part)
  const facts = JSON.parse(await succeed('inspect', at('tiny'), '--json'))
  expect(facts).toMatchObject({ name: 'tiny', input: { shape: [1, 4, 4] }, output: { shape: [3] } })
  for (const { margin, object } of facts.security) expect(margin, object).toBeGreaterThanOrEqual(0)
  expect(Math.abs(facts.cost.keyBytes - readFileSync(at('keys/evaluation.key')).length)).toBeLessThan(100)
})

test('compile takes how pixels become inputs, and says when it has seen synthetic ones only', async () => {
  writeFileSync(at('pixels.json'), JSON.stringify([Array.from({ length: 16 }, (_, i) => 17 * i)]))
  const scaled = await glovebox(
    ...['compile', at('tiny.onnx'), '-o', at('scaled'), '--calibration', at('pixels.json')],
    ...['--pixel-scale', '0.0078431', '--pixel-offset', '-1'],
  )
  expect([scaled.code, scaled.stderr]).toEqual([0, expect.not.stringContaining('synthetic')])
  const { input, report } = JSON.parse(await succeed('inspect', at('scaled'), '--json'))
  expect(input.pixels).toEqual({ scale: 0.0078431, offset: -1 })
  expect(report.calibration).toBe('1 given samples')
  const synthetic = await glovebox('compile', at('tiny.onnx'), '-o', at('synthetic'))
  expect([synthetic.code, synthetic.stderr]).toEqual([0, expect.stringContaining('--calibration FILE')])
})

test('encrypt warns of samples that leave the calibrated range, and of no others', async () => {
  const [inside, outside] = [new Array(16).fill(0.5), new Array(16).fill(0.5).with(3, 1.3)]
  writeFileSync(at('range.json'), JSON.stringify([inside, outside]))
  writeFileSync(at('inside.json'), JSON.stringify([inside]))
  const warned = await encrypt('range.gbx', at('range.json'))
  expect([warned.code, warned.stderr]).toEqual([0, expect.stringContaining('1 of 2 samples leave the range 0 to 1')])
  const quiet = await encrypt('inside.gbx', at('inside.json'))
  expect([quiet.code, quiet.stderr]).toEqual([0, ''])
})

describe.concurrent('what is wrong is said in a line that names it', () => {
  test('an ONNX file with MaxPool', () =>
    expectError(glovebox('compile', at('maxpool.onnx'), '-o', at('none')), 'MaxPool_y', 'MaxPool'))

  test('an ONNX file that is cut off', () =>
    expectError(
      glovebox(
        'compile',
        damage('tiny.onnx', 'cut.onnx', (b) => b.slice(0, b.length / 2)),
        '-o',
        at('none'),
      ),
      'the ONNX model is not valid',
    ))

  test("another model's secret key", () =>
    expectError(encrypt('none.gbx', at('x.json'), at('strange')), 'strange/secret.key', 'belongs to other models'))

  test("another model's evaluation keys", () =>
    expectError(run('none.gbx', at('query.gbx'), at('strange/evaluation.key')), 'the evaluation keys', 'other models'))

  test('a query for another model', () =>
    expectError(
      run('none.gbx', at('query.gbx'), at('strange/evaluation.key'), at('other/server.gbx')),
      'the query',
      'other models',
    ))

  test('a file of another kind', () =>
    expectError(
      run('none.gbx', at('keys/evaluation.key')),
      'expected a frame of kind "query", got "evaluation keys of a program"',
    ))

  test('a missing Galois key', () => {
    const keys = damage('keys/evaluation.key', 'lacking.key', withoutGaloisKey)
    return expectError(run('none.gbx', at('query.gbx'), keys), 'key', 'rotation')
  })

  test.each([
    ['a query', 'query.gbx', (file: string) => run('none.gbx', file)],
    ['evaluation keys', 'keys/evaluation.key', (file: string) => run('none.gbx', at('query.gbx'), file)],
    [
      'a server part',
      'tiny/server.gbx',
      (file: string) => run('none.gbx', at('query.gbx'), at('keys/evaluation.key'), file),
    ],
    ['a client part', 'tiny/client.gbx', (file: string) => glovebox('inspect', file)],
  ])('%s that is truncated or has a bit flipped', async (_, name, use) => {
    const other = name.replace('/', '-')
    const cut = damage(name, `cut-${other}`, (b) => b.slice(0, Math.floor(b.length / 2)))
    const flipped = damage(name, `flipped-${other}`, (b) =>
      b.with(Math.floor(b.length / 3), b[Math.floor(b.length / 3)]! ^ 4),
    )
    await Promise.all([expectError(use(cut), 'truncated'), expectError(use(flipped), 'checksum does not match')])
  })

  test('samples of the wrong size', async () => {
    writeFileSync(at('short.json'), '[[1, 2, 3]]')
    await expectError(encrypt('none.gbx', at('short.json')), '"sample" expected 16 numbers (1x4x4), got 3')
    await expectError(encrypt('none.gbx', at('short.json')), at('short.json'))
  })

  test('files that are not there', () =>
    expectError(encrypt('none.gbx', at('none.json')), `cannot read ${at('none.json')}: there is no such file`))

  test('GLOVEBOX_DEBUG=1 shows where it came from', async () => {
    const { code, stderr } = await gloveboxWith({ GLOVEBOX_DEBUG: '1' }, 'inspect', at('none.gbx'))
    expect(code).toBe(1)
    expect(stderr).toMatch(/\n\s+at /)
    expect(stderr).toContain('caused by')
  })
})

describe('a full disk', () => {
  test('is said with the file, and what was there before stays', async () => {
    await expectError(encryptTo('/dev/full'), 'cannot write /dev/full: the disk is full')
    const disk = at('disk')
    mkdirSync(disk)
    // Needs the right to mount; elsewhere /dev/full above has to do.
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk]).status !== 0) return
    try {
      const file = join(disk, 'query.gbx')
      writeFileSync(file, 'before')
      await expectError(encryptTo(file), `cannot write ${file}: the disk is full`)
      expect(readFileSync(file, 'utf8')).toBe('before')
      expect(readdirSync(disk)).toEqual(['query.gbx'])
    } finally {
      spawnSync('umount', [disk])
    }
  })

  test('is said for standard output too', () => {
    const main = fileURLToPath(new URL('../main.ts', import.meta.url))
    const line = `"${process.execPath}" --conditions=@glovebox/source "${main}" inspect "${at('tiny')}" >/dev/full`
    const { status, stderr } = spawnSync('sh', ['-c', line], { encoding: 'utf8' })
    expect([status, stderr]).toEqual([1, 'glovebox: cannot write standard output: the disk is full\n'])
  })

  test('a folder that is not there', () =>
    expectError(encryptTo(at('nowhere/query.gbx')), `cannot write ${at('nowhere/query.gbx')}: there is no such`))
})

const encryptTo = (path: string) =>
  glovebox('encrypt', at('tiny/client.gbx'), '--keys', at('keys'), '--input', at('x.json'), '-o', path)

/** The same frame without the first of the Galois keys. */
function withoutGaloisKey(bytes: Uint8Array): Uint8Array {
  const { context } = openModel(tiny.client)
  const { owner, body } = decodeFrame(bytes, 'evaluation keys of a program')
  const keys = readEvaluationKeys(body, context.ring)
  const mask = body.slice(body.remaining, 'mask')
  const writer = new ByteWriter()
  writeEvaluationKeys(writer, context.ring, { ...keys, galois: new Map([...keys.galois].slice(1)) })
  writer.raw(mask)
  return encodeFrame('evaluation keys of a program', owner, writer.done())
}

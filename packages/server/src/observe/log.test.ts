import { describe, expect, test } from 'vitest'
import { createLog, describeError, requestId, withoutCredentials } from './log.ts'

function capture(level?: 'info' | 'warn' | 'silent') {
  const lines: string[] = []
  const log = createLog({ ...(level && { level }), destination: { write: (line) => void lines.push(line) } })
  return { log, lines, last: () => JSON.parse(lines.at(-1)!) as Record<string, unknown> }
}

const token = `gbx_${'aB3-_'.repeat(8)}xyz`

describe('a line', () => {
  test('is one JSON object with a level, a time and the name of the service', () => {
    const { log, last, lines } = capture()
    log.child({ request: 'r' }).info({ ms: 3 }, 'answered')
    expect(last()).toMatchObject({
      name: 'glovebox',
      level: 30,
      request: 'r',
      ms: 3,
      msg: 'answered',
      time: expect.any(Number),
    })
    expect(lines[0]).toMatch(/^[^\n]*\n$/)
  })

  test('below the level is not written', () => {
    const { log, lines } = capture('warn')
    log.info('no')
    log.warn('yes')
    expect(lines).toHaveLength(1)
    const silent = capture('silent')
    silent.log.fatal('no')
    expect(silent.lines).toHaveLength(0)
  })

  test('has no field that may be private, and no token or password from any message', () => {
    const { log, lines } = capture()
    log.info(
      { headers: { authorization: `Bearer ${token}`, host: 'h' }, query: [1, 2, 0.77125], path: `/v2/${token}/x` },
      `saw ${token}!`,
    )
    log.error({ err: new Error('connect postgres://glovebox:hunter2@db:5432/x failed') })
    log.error({ err: new Error('redis://:s3cret@queue/0') })
    const text = lines.join('')
    expect(text).not.toMatch(/aB3-_|0\.77125|hunter2|s3cret/)
    expect(text).toContain('"host":"h"')
    expect(text).toContain('@db:5432/x failed')
    expect(text).toContain('/v2/gbx_[not logged]/x')
    for (const line of lines) expect(() => JSON.parse(line)).not.toThrow()
  })

  test('keeps addresses that have no password, and at-signs elsewhere', () => {
    for (const text of ['http://127.0.0.1:8080/v2', '{"url":"http://a","who":"digits@production"}', 'digits@2'])
      expect(withoutCredentials(text)).toBe(text)
  })
})

describe('an error', () => {
  test('is its name, message, code, stack and causes, and none of what drivers add', () => {
    const row = Object.assign(new Error('duplicate key'), {
      code: '23505',
      detail: 'Key (hash)=(value) exists',
      command: ['SET', 'v'],
    })
    const { log, last, lines } = capture()
    log.error({ err: new TypeError('outer', { cause: row }) }, 'failed')
    expect(last().err).toMatchObject({
      type: 'TypeError',
      message: 'outer',
      cause: { message: 'duplicate key', code: '23505' },
    })
    expect(lines[0]).not.toMatch(/detail|\(value\)|command/)
  })

  test('that is its own cause, or no error, is told all the same', () => {
    const circle = new Error('round')
    circle.cause = circle
    expect(JSON.stringify(describeError(circle)).match(/"message":"round"/g)).toHaveLength(6)
    expect(describeError('text')).toEqual({ type: 'string', message: 'text' })
  })
})

test('the id of a request is that of a proxy where it is plain, else a new one', () => {
  expect(requestId('0af7651916cd43dd')).toBe('0af7651916cd43dd')
  const made = [undefined, null, '', 'short', 'a b c d e f g', 'x"},{"level":60', 'x'.repeat(65), token].map(requestId)
  for (const id of made) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/)
  expect(new Set(made).size).toBe(made.length)
})

import { expect, test } from 'vitest'
import { showLogLine } from './log-lines.ts'

const of = (line: object): string => showLogLine(`${JSON.stringify(line)}\n`)

test('an event is a line that a person reads', () => {
  expect(of({ level: 30, time: 1, name: 'glovebox', msg: 'stopping', reason: 'SIGINT' })).toBe('stopping\n')
  expect(of({ level: 40, msg: 'turned away', err: { message: 'the queue is full' } })).toBe(
    'warning: turned away: the queue is full\n',
  )
  expect(of({ level: 50, msg: 'no', err: { message: 'no' } })).toBe('error: no\n')
})

test('control characters and lines of others do not reach the terminal', () => {
  expect(of({ level: 40, msg: 'a\u001b[2J\nb' })).toBe('warning: a [2J b\n')
})

import { expect, test, vi } from 'vitest'
import { startTimed } from './timed.ts'

test('off a terminal a line every ten seconds tells how far it is', () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  const tty = Object.getOwnPropertyDescriptor(process.stderr, 'isTTY')
  Object.defineProperty(process.stderr, 'isTTY', { value: false, configurable: true })
  const written: string[] = []
  const spy = vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0)
  try {
    using timed = startTimed()
    for (let second = 1; second <= 25; second++) {
      vi.advanceTimersByTime(1000)
      timed.update('hashing items', second * 100, second < 20 ? 0 : 4000)
    }
  } finally {
    spy.mockRestore()
    if (tty) Object.defineProperty(process.stderr, 'isTTY', tty)
    else Reflect.deleteProperty(process.stderr, 'isTTY')
    vi.useRealTimers()
  }
  expect(written).toEqual(['hashing items: 1,000\n', 'hashing items: 2,000 of 4,000, 50 %\n'])
})

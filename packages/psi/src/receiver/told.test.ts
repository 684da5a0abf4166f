import { expect, test } from 'vitest'
import { outputOf } from '../test-support/plain-set.ts'
import { createTold } from './told.ts'

const [a, b] = [Uint8Array.of(1), Uint8Array.of(2)]

test('bits of an item are added up over its outputs, however often each is asked for', () => {
  const told = createTold(8)
  for (let turn = 0; turn < 5; turn++) told.count([a, b], [outputOf(0), outputOf(1)], 4)
  told.count([a], [outputOf(2)], 4)
  const message = expect.stringMatching(/told 8 bits of an item: .* more than 8/)
  // All or none: what is refused is not counted for the other.
  for (let turn = 0; turn < 2; turn++)
    expect(() => told.count([b, a], [outputOf(4), outputOf(3)], 4)).toThrow(
      expect.objectContaining({ code: 'unsupported', message }),
    )
  told.count([a, b], [outputOf(0), outputOf(5)], 4)
  // A longer prefix of an output that is known.
  expect(() => told.count([a], [outputOf(0)], 5)).toThrow(/more than 8/)
})

test('without a prefix nothing is told', () => {
  const told = createTold(0)
  for (let turn = 0; turn < 3; turn++) told.count([a], [outputOf(turn)], 0)
  expect(() => told.count([a], [outputOf(0)], 1)).toThrow(/more than 0/)
})

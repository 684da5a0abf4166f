import { test } from 'vitest'
import { randomCircuits } from '../../test-support/circuits.ts'

test('10,000 random circuits over 200 sets of parameters stay below both bounds in every slot', () => {
  randomCircuits('slow', 200, 50)
})

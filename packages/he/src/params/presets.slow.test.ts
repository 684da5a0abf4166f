import { test } from 'vitest'
import { checkDepths } from '../test-support/preset-suite.ts'
import { presetDegrees } from './preset-options.ts'

test.each(presetDegrees)('N = %i: depth 1 to 20 makes parameters within the limit, or says what would', (ringDegree) =>
  checkDepths(ringDegree, [20, 25, 30, 40, 45]),
)
